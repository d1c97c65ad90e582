"""Aligned files: what a line is, and what is said of lines that cannot be used."""

import gzip
import logging
from pathlib import Path

import pytest

from seqlab.data.errors import DataError
from seqlab.data.parallel_text import Malformed, SentencePair, TextFiles, read_splits


def _read(
    folder: Path, source: bytes, target: bytes, malformed: Malformed = "error"
) -> tuple[SentencePair, ...]:
    files = TextFiles(folder / "a.en", folder / "a.de")
    files.source.write_bytes(source)
    files.target.write_bytes(target)
    return read_splits({"val": files}, malformed=malformed)["val"]


def test_a_line_feed_alone_ends_a_line(tmp_path: Path) -> None:
    inside = "a\u2028b\x0bc\x0cd\x85e\x1cf\rg"
    pairs = _read(tmp_path, f"{inside}\r\nzwei\r\n".encode(), "é\u2029ü\n二\n".encode())
    assert pairs == (
        SentencePair("val:1", inside, "é\u2029ü"),
        SentencePair("val:2", "zwei", "二"),
    )


def test_the_last_line_may_lack_its_end_and_the_first_have_a_mark(tmp_path: Path) -> None:
    pairs = _read(tmp_path, b"\xef\xbb\xbfa\nb", b"c\nd\n")
    assert [pair[1:] for pair in pairs] == [("a", "c"), ("b", "d")]


def test_blanks_around_a_line_stay(tmp_path: Path) -> None:
    assert _read(tmp_path, b" a \n", b"\tb\n")[0][1:] == (" a ", "\tb")


def test_gz_is_unpacked(tmp_path: Path) -> None:
    files = TextFiles(tmp_path / "a.en.gz", tmp_path / "a.de")
    files.source.write_bytes(gzip.compress(b"a\nb\n", mtime=0))
    files.target.write_text("c\nd\n")
    pairs = read_splits({"train": files, "test": None}, malformed="error")
    assert [pair.source for pair in pairs["train"]] == ["a", "b"]
    assert pairs["test"] == ()


@pytest.mark.parametrize(
    "packed", [b"no gzip", gzip.compress(b"abc " * 99, mtime=0)[:-9], b"\x1f\x8b\x08"]
)
def test_a_broken_gz_is_named(tmp_path: Path, packed: bytes) -> None:
    files = TextFiles(tmp_path / "a.gz", tmp_path / "b")
    files.source.write_bytes(packed)
    files.target.write_text("c\n")
    with pytest.raises(DataError, match=r"a\.gz: is no whole gzip file"):
        read_splits({"train": files}, malformed="skip")


def test_all_problems_are_listed_with_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        _read(tmp_path, b"a\n\nc\nd\n", b"a\nb\n\xff\n \t\ne\n")
    problems = [p.replace(f"{tmp_path}/", "") for p in caught.value.problems]
    assert problems == [
        "a.en:2: the line is empty",
        "a.de:3: not UTF-8 (invalid start byte)",
        "a.de:4: the line is empty",
        "a.en has 4 lines, a.de has 5: from line 5 on nothing is left to pair",
    ]
    assert "malformed=skip" in caught.value.hint


def test_many_problems_are_counted(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        _read(tmp_path, b"\n" * 50, b"a\n" * 50)
    assert "a.en:20: the line is empty\n... and 30 more problems" in str(caught.value)


def test_what_is_skipped_is_told_and_lines_keep_their_numbers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        pairs = _read(tmp_path, b"a\n\nc\nd\n", b"a\nb\n\xff\nd\ne\n", "skip")
    assert pairs == (SentencePair("val:1", "a", "a"), SentencePair("val:4", "d", "d"))
    assert "left out lines with 3 problems" in caplog.text
    assert "a.en:2: the line is empty" in caplog.text


def test_a_missing_file_is_no_line_to_skip(tmp_path: Path) -> None:
    files = TextFiles(tmp_path / "a", tmp_path / "b")
    with pytest.raises(DataError) as caught:
        read_splits({"train": files}, malformed="skip")
    assert len(caught.value.problems) == 2
    assert "a: No such file or directory" in str(caught.value)
