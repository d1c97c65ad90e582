"""What a person gives to predict: files, or lines of text."""

import glob
import gzip
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from seqlab.config.errors import Problem, UserError

TYPED = "-"  # standard input: a terminal or a pipe
_MARK = b"\xef\xbb\xbf"  # with which some editors begin a file in UTF-8


def is_typed(given: str) -> bool:
    """Whether a person at a terminal types the input."""
    return given == TYPED and sys.stdin.isatty()


def find_files(given: str) -> list[str]:
    """The files that a person means by a file, a folder, a glob, or `-` for names of files.

    Raises:
        UserError: nothing is there.
    """
    if given == TYPED:
        found = [line.strip() for line in sys.stdin if line.strip()]
        if not found:
            raise _error(given, "no name of a file came from standard input")
        return found
    if Path(given).is_dir():
        found = sorted(str(path) for path in Path(given).iterdir() if path.is_file())
    else:
        matches = glob.glob(given, recursive=True)  # noqa: PTH207, it takes absolute patterns
        found = sorted({path for path in matches if Path(path).is_file()})
        found = found or ([given] if Path(given).is_file() else [])
    if not found:
        raise _error(given, "there is no such file")
    return found


def read_lines(given: str) -> Iterator[str]:
    """The lines of the files that a person means, or of standard input as they come.

    A line without words is one too, so that the answers stand line by line beside the input.

    Raises:
        UserError: there is no such file, it cannot be read, a line is not UTF-8, or there is none.
    """
    num_lines = 0
    for line in _all_lines(given):
        num_lines += 1
        yield line
    if not num_lines:
        where = "came from standard input" if given == TYPED else "is in it"
        raise _error(given, f"no line {where}")


def _all_lines(given: str) -> Iterator[str]:
    if given == TYPED:
        yield from _decoded(sys.stdin.buffer, "standard input")
        return
    for path in find_files(given):
        try:
            with gzip.open(path) if path.endswith(".gz") else Path(path).open("rb") as file:
                yield from _decoded(file, path)
        except (OSError, EOFError, zlib.error) as error:
            raise _error(path, f"cannot be read: {error}") from error


def _decoded(file: Iterable[bytes], name: str) -> Iterator[str]:
    for number, line in enumerate(file, start=1):
        try:
            yield (line if number > 1 else line.removeprefix(_MARK)).decode().strip()
        except UnicodeDecodeError as error:
            raise _error(name, f"line {number} is not UTF-8: {error.reason}") from error


def _error(given: str, message: str) -> UserError:
    return UserError([Problem(key="input", given=given, message=message)])
