"""Any two text files whose lines are each other's translations."""

from pathlib import Path

from seqlab.data.errors import DataError
from seqlab.data.parallel_text import (
    Malformed,
    ParallelSource,
    SentencePair,
    TextFiles,
    read_splits,
)


class TextPair(ParallelSource):
    """Plain text in UTF-8, one sentence a line; files whose names end in .gz are unpacked.

    Args:
        source_language: code of the language that is read, such as en; Moses depends on it.
        target_language: code of the language that is written.
        train_source: sentences to train on.
        train_target: their translations, line by line.
        val_source: sentences to validate on; None for none.
        val_target: their translations.
        test_source: sentences to test on; None for none.
        test_target: their translations.
        malformed: whether lines that cannot be used are an error or left out.

    Raises:
        ValueError: of a split only one side is given.
    """

    def __init__(
        self,
        *,
        source_language: str,
        target_language: str,
        train_source: str,
        train_target: str,
        val_source: str | None,
        val_target: str | None,
        test_source: str | None,
        test_target: str | None,
        malformed: Malformed,
    ) -> None:
        self.source_language = source_language
        self.target_language = target_language
        self.train = TextFiles(Path(train_source), Path(train_target))
        self.files = {
            "train": self.train,
            "val": _files("val", val_source, val_target),
            "test": _files("test", test_source, test_target),
        }
        self.malformed: Malformed = malformed

    def read(self) -> dict[str, tuple[SentencePair, ...]]:
        pairs = read_splits(self.files, malformed=self.malformed)
        if not pairs["train"]:
            raise DataError([f"{self.train.source}: there is no sentence to train on"])
        return pairs


def _files(split: str, source: str | None, target: str | None) -> TextFiles | None:
    if source is None and target is None:
        return None
    if source is None or target is None:
        given, lacking = ("source", "target") if target is None else ("target", "source")
        raise ValueError(f"{split}_{given} is given and {split}_{lacking} is not")
    return TextFiles(Path(source), Path(target))
