"""seqlab mine."""

from seqlab.cli import composing, words


def run(arguments: list[str]) -> None:
    """Find what shows again and again, by the run that the arguments name."""
    composing.calm_threads()
    composed = composing.checked("mine", words.overrides_only(arguments, "mine"))
    from seqlab.run.mine import mine

    mine(composed.config)
