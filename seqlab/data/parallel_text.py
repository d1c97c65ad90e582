"""Sentences and their translations, of whatever source, and the reading of aligned text files."""

import logging
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Literal, NamedTuple

from seqlab.data.errors import DataError
from seqlab.data.text_files import decode_lines, read_bytes

log = logging.getLogger(__name__)

Malformed = Literal["error", "skip"]

_SHOWN = 3  # problems that the note on skipped lines quotes
_SKIP_HINT = "data.source.malformed=skip goes on without these lines"


class SentencePair(NamedTuple):
    """A line and its translation, as they were read."""

    example_id: str  # split and line counted from 1: "val:17"
    source: str
    target: str


class ParallelSource(ABC):
    """Reads a data set of sentences in two languages.

    Attributes:
        source_language: code of the language that is read, such as en.
        target_language: code of the language that is written.
    """

    source_language: str
    target_language: str

    @abstractmethod
    def read(self) -> dict[str, tuple[SentencePair, ...]]:
        """The splits train, val and test; one may be empty.

        Raises:
            DataError: files are missing or malformed; it lists all that was found.
        """


class TextFiles(NamedTuple):
    """The two files of a split, line by line each other's translation."""

    source: Path
    target: Path


def read_splits(
    files: dict[str, TextFiles | None], *, malformed: Malformed
) -> dict[str, tuple[SentencePair, ...]]:
    """The pairs of all splits, if nothing is wrong.

    Args:
        files: of each split; None where it has none, which makes it empty.
        malformed: whether empty lines, lines that are not UTF-8 and lines without a partner are an
            error, or left out and counted. A file that cannot be read is always an error.

    Raises:
        DataError: something is wrong; it lists all of it.
    """
    splits: dict[str, tuple[SentencePair, ...]] = {}
    broken: list[str] = []
    found: list[str] = []
    for split, pair in files.items():
        splits[split] = () if pair is None else _read_pairs(split, pair, broken, found)
    if broken:
        raise DataError(broken + (found if malformed == "error" else []))
    if found and malformed == "error":
        raise DataError(found, _SKIP_HINT)
    if found:
        some = "; ".join(found[:_SHOWN]) + ("; ..." if len(found) > _SHOWN else "")
        plural = "problem" if len(found) == 1 else "problems"
        log.warning("left out lines with %d %s: %s", len(found), plural, some)
    return splits


def _read_pairs(
    split: str, files: TextFiles, broken: list[str], found: list[str]
) -> tuple[SentencePair, ...]:
    """The pairs of two files; files that cannot be read go to `broken`, bad lines to `found`."""
    contents = [read_bytes(path, broken) for path in files]
    if None in contents:
        return ()
    source, target = (
        list(decode_lines(content or b"", path, found))
        for content, path in zip(contents, files, strict=True)
    )
    if len(source) != len(target):
        found.append(
            f"{files.source} has {len(source):,} lines, {files.target} has {len(target):,}: "
            f"from line {min(len(source), len(target)) + 1:,} on nothing is left to pair"
        )
    return tuple(
        SentencePair(f"{split}:{number}", line, translation)
        for number, (line, translation) in enumerate(zip(source, target, strict=False), start=1)
        if line is not None and translation is not None
    )
