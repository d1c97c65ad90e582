"""seqlab predict."""

from seqlab.cli import composing, words


def run(arguments: list[str]) -> None:
    """Use the run that the arguments name on the input that they name."""
    composing.calm_threads()
    composed = composing.checked("predict", words.overrides_only(arguments, "predict"))
    from seqlab.run.predict import predict

    predict(composed.config)
