"""Pictures in files."""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from seqlab.data.errors import DataError
from seqlab.data.sources import Images

ItemT = TypeVar("ItemT", covariant=True)

_JPEG_START, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
# What Pillow raises on broken files, its guards against huge ones included.
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


def read_image(path: Path) -> Tensor:
    """Bytes [3, height, width] of a picture, upright as its camera noted.

    Raises:
        DataError: the file is no picture that can be read.
    """
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except UNREADABLE as error:
        raise DataError([f"{path}: cannot be read as an image ({error})"]) from error
    return torch.from_numpy(np.array(upright)).permute(2, 0, 1)


def refuse_broken(paths: Sequence[Path]) -> None:
    """Look at files before anything is done with them.

    Raises:
        DataError: some are no pictures, as a glance at each shows; it lists them all.
    """
    problems = [
        f"{path}: cannot be read as an image ({reason})"
        for path in paths
        if (reason := _glance(path))
    ]
    if problems:
        raise DataError(problems)


def num_threads() -> int:
    """How many threads are worth their while for reading pictures on the cores this process has."""
    return min(8, len(os.sched_getaffinity(0)) + 1)


class ImageFiles(Images):
    """Pictures of a folder, decoded when asked for.

    Args:
        paths: the files.
        listed_at: for each, the file and the line that name it, for errors.
    """

    def __init__(self, paths: Sequence[Path], listed_at: Sequence[str]) -> None:
        self.paths = tuple(paths)
        self.listed_at = tuple(listed_at)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Tensor:
        try:
            return read_image(self.paths[index])
        except DataError as error:
            problem = f"{error.problems[0]}, listed at {self.listed_at[index]}"
            raise DataError([problem], "replace the file, or take it out of the list") from error

    def fingerprint(self) -> str:
        """Hash of names, sizes and times of change."""
        digest = hashlib.sha256()
        for path in self.paths:
            status = path.stat()
            digest.update(f"{path.name}\t{status.st_size}\t{status.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def probe(self) -> list[str]:
        """Problems that a glance at each file shows: none there, no picture, or cut short."""
        return [
            f"{path}: cannot be read as an image ({reason}), listed at {where}"
            for path, where in zip(self.paths, self.listed_at, strict=True)
            if (reason := _glance(path))
        ]


def _glance(path: Path) -> str:
    """Why a file is surely broken, or nothing; decodes only what looks odd."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_JPEG_START))
            file.seek(max(0, path.stat().st_size - 2048))
            tail = file.read()
    except OSError as error:
        return error.strerror or str(error)
    if start == _JPEG_START and _JPEG_END in tail:
        return ""
    try:
        read_image(path)
    except DataError as error:
        return str(error.__cause__)
    return ""


class Readable(Protocol[ItemT]):
    """What can be read by number; a DataError says what is wrong with one that cannot."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> ItemT: ...


def read_all(
    items: Readable[ItemT],
    use: Callable[[int, ItemT], None],
    on_progress: Callable[[int, int], None] | None = None,
) -> list[str]:
    """Read everything, several at a time, and say what is wrong with those that cannot be read.

    Args:
        items: what to read.
        use: gets the number of each and what was read; called from several threads.
        on_progress: told how many are done, and of how many.
    """

    def problems_of(index: int) -> list[str]:
        try:
            use(index, items[index])
        except DataError as error:
            return error.problems
        return []

    problems: list[str] = []
    with ThreadPoolExecutor(num_threads()) as pool:
        for done, found in enumerate(pool.map(problems_of, range(len(items))), start=1):
            problems += found
            if on_progress:
                on_progress(done, len(items))
    return problems


def verify(
    items: Readable[Any], on_progress: Callable[[int, int], None] | None = None
) -> list[str]:
    """Problems that decoding everything shows.

    Args:
        items: what to read.
        on_progress: told how many are done, and of how many.
    """
    return read_all(items, lambda index, item: None, on_progress)
