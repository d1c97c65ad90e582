"""seqlab eval."""

from seqlab.cli import composing, words


def run(arguments: list[str]) -> None:
    """Evaluate the run that the arguments name."""
    composing.calm_threads()
    composed = composing.checked("eval", words.overrides_only(arguments, "eval"))
    from seqlab.run.evaluate import evaluate

    evaluate(composed.config)
