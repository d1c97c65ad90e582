"""seqlab features."""

from seqlab.cli import composing, words


def run(arguments: list[str]) -> None:
    """Read a layer of the run that the arguments name."""
    composing.calm_threads()
    composed = composing.checked("features", words.overrides_only(arguments, "features"))
    from seqlab.run.features import extract

    extract(composed.config)
