"""Multi30k (Elliott et al., 2016), task 1, in the layout of its official repository."""

from pathlib import Path
from typing import Literal

from seqlab.data.errors import DataError
from seqlab.data.parallel_text import (
    Malformed,
    ParallelSource,
    SentencePair,
    TextFiles,
    read_splits,
)

Language = Literal["en", "de", "fr"]

_SPLITS = {"train": "train", "val": "val", "test": "test_2016_flickr"}
# As the Moses tokeniser writes what has a meaning to the Moses decoder; the ampersand comes last.
_ESCAPED = {
    "&apos;": "'",
    "&quot;": '"',
    "&#91;": "[",
    "&#93;": "]",
    "&#124;": "|",
    "&lt;": "<",
    "&gt;": ">",
    "&amp;": "&",
}


class Multi30k(ParallelSource):
    """Descriptions of photographs, translated: 29,000 pairs to train, 1,014 and 1,000 to evaluate.

    The test split is test_2016_flickr. A split whose files are both absent is empty, except
    training.

    Args:
        folder: holds data/task1/raw and data/task1/tok.
        version: `tok`: lower-cased, normalised and tokenised by Moses, as published scores have it,
            here without the escapes (`'s` for `&apos;s`); `raw`: as it was written.
        source_language: which is read.
        target_language: which is written.
        malformed: whether lines that cannot be used are an error or left out.
    """

    def __init__(
        self,
        *,
        folder: str,
        version: Literal["tok", "raw"],
        source_language: Language,
        target_language: Language,
        malformed: Malformed,
    ) -> None:
        if source_language == target_language:
            raise ValueError(f"source and target are both {source_language}")
        self.folder = Path(folder) / "data" / "task1" / version
        self.version = version
        self.source_language = source_language
        self.target_language = target_language
        self.malformed: Malformed = malformed

    def read(self) -> dict[str, tuple[SentencePair, ...]]:
        files = {split: self._files(name) for split, name in _SPLITS.items()}
        if files["train"] is None:
            wanted = f"{self._name('train', self.source_language)} and its translation"
            raise DataError(
                [f"{self.folder}: no {wanted} to train on"],
                "see seqlab data list; paths.data=DIR or SEQLAB_DATA moves the folder",
            )
        pairs = read_splits(files, malformed=self.malformed)
        if self.version == "raw":
            return pairs
        return {split: tuple(map(_unescape, own)) for split, own in pairs.items()}

    def _name(self, split: str, language: str) -> str:
        ending = f"{language}.gz" if self.version == "raw" else f"lc.norm.tok.{language}"
        return f"{split}.{ending}"

    def _files(self, split: str) -> TextFiles | None:
        """The files of a split, as they are named if only one is here; None if none is."""
        files = TextFiles(
            self.folder / self._name(split, self.source_language),
            self.folder / self._name(split, self.target_language),
        )
        return files if files.source.exists() or files.target.exists() else None


def _unescape(pair: SentencePair) -> SentencePair:
    source, target = pair.source, pair.target
    for escaped, character in _ESCAPED.items():
        source, target = source.replace(escaped, character), target.replace(escaped, character)
    return SentencePair(pair.example_id, source, target)
