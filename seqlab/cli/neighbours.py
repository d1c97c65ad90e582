"""seqlab neighbours."""

from seqlab.cli import composing, words


def run(arguments: list[str]) -> None:
    """Show which patches the run that the arguments name finds alike."""
    composing.calm_threads()
    composed = composing.checked("neighbours", words.overrides_only(arguments, "neighbours"))
    from seqlab.run.neighbours import neighbours

    neighbours(composed.config)
