"""seqlab sweep."""

from seqlab.cli import composing, words


def run(arguments: list[str]) -> int:
    """Run the sweep that the arguments describe."""
    overrides = words.overrides_only(arguments, "sweep")
    composing.calm_threads()
    from seqlab.run.sweep import sweep

    return sweep(overrides)
