"""Lines of text files, and what is said of files and lines that cannot be used."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

_SHOWN = 60  # characters of a line in a problem


def read_bytes(path: Path, broken: list[str]) -> bytes | None:
    """The bytes of a file, unpacked where its name ends in .gz; None where that fails."""
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        broken.append(f"{path}: is no whole gzip file ({error})")
    except OSError as error:
        broken.append(f"{path}: {error.strerror}")
    return None


def decode_lines(
    content: bytes, path: Path, found: list[str], *, may_be_empty: bool = False
) -> Iterator[str | None]:
    """The lines of a file, None for each that is not UTF-8 or has no word.

    Only a line feed ends a line: other separators, such as U+2028, occur inside of sentences, and
    to break at them would part all later lines from their translations.

    Args:
        content: of the file.
        path: of the file.
        found: what is wrong with the lines is added here.
        may_be_empty: whether nothing is wrong with a line that has no word.
    """
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if not lines[-1]:
        lines.pop()  # the end of the last line is not the begin of another
    for number, line in enumerate(lines, start=1):
        try:
            text = line.decode().removesuffix("\r")
        except UnicodeDecodeError as error:
            found.append(f"{path}:{number}: not UTF-8 ({error.reason})")
            yield None
            continue
        if not text.strip():
            if not may_be_empty:
                found.append(f"{path}:{number}: the line is empty")
            yield None
            continue
        yield text


def plain_lines(
    path: Path, problems: list[str], *, may_be_empty: bool = False
) -> Iterator[tuple[int, str | None]]:
    """The lines of a file that has some, and their numbers; None where `decode_lines` has it.

    Args:
        path: of the file.
        problems: what is wrong with the file and its lines is added here.
        may_be_empty: whether nothing is wrong with a line that has no word.
    """
    content = read_bytes(path, problems)
    if content is None:
        return
    if not content.strip():
        problems.append(f"{path}: is empty")
        return
    lines = decode_lines(content, path, problems, may_be_empty=may_be_empty)
    yield from enumerate(lines, start=1)


def numbered_lines(
    path: Path, problems: list[str], *, may_be_empty: bool = False
) -> Iterator[tuple[int, int, str]]:
    """Number in the file, number that is written, and text of lines such as `3 Mary went home.`

    What is written goes on from line to line, or begins anew with 1.

    Args:
        path: of the file.
        problems: what is wrong with the file and its lines is added here.
        may_be_empty: whether nothing is wrong with a line that has no word.
    """
    following: int | None = 1
    for number, line in plain_lines(path, problems, may_be_empty=may_be_empty):
        if line is None:
            following = None  # whatever number the next one has
            continue
        written, _, text = line.partition(" ")
        if not (written.isdecimal() and text.strip()):
            shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."
            problems.append(f"{path}:{number}: does not begin with a number and a blank: {shown}")
            following = None
            continue
        if following is not None and int(written) not in (1, following):
            expected = "1" if following == 1 else f"{following} or 1"
            problems.append(f"{path}:{number}: is numbered {written} where {expected} would follow")
        following = int(written) + 1
        yield number, int(written), text.strip()
