"""Lines of text files, and what is said of files and lines that cannot be used."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path


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


def decode_lines(content: bytes, path: Path, found: list[str]) -> Iterator[str | None]:
    """The lines of a file, None for each that is not UTF-8 or has no word.

    Only a line feed ends a line: other separators, such as U+2028, occur inside of sentences, and
    to break at them would part all later lines from their translations.
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
            found.append(f"{path}:{number}: the line is empty")
            yield None
            continue
        yield text
