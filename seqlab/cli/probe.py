"""seqlab probe."""

from seqlab.cli import composing, words


def run(arguments: list[str]) -> None:
    """Fit a classifier on the features that the arguments name."""
    composing.calm_threads()
    composed = composing.checked("probe", words.overrides_only(arguments, "probe"))
    from seqlab.run.probe import probe

    probe(composed.config)
