"""All the pictures below some folders, split by chance."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from torch import Tensor

from seqlab.data.class_folders import refuse_shares
from seqlab.data.errors import DataError
from seqlab.data.image_collections import ImageSource, NamedImages
from seqlab.data.images import UNREADABLE, read_image
from seqlab.data.sources import SPLITS

log = logging.getLogger(__name__)

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
_TURNED = (5, 6, 7, 8)  # EXIF orientations that lay a picture on its side
_ORIENTATION = 0x0112  # the EXIF tag


class ImageFolders(ImageSource):
    """Pictures in folders and in all folders below them.

    Args:
        folders: where to look.
        shares: of train, val and test; they sum to 1.
        split_seed: what the split is a function of.
        on_bad: whether a file that is no readable picture is an `error`, or left out with a warning
            that names the first and tells how many there are.

    Raises:
        ValueError: the shares do not sum to 1, or no folder is named.
    """

    def __init__(
        self,
        *,
        folders: Sequence[str],
        shares: Sequence[float],
        split_seed: int,
        on_bad: Literal["error", "skip"],
    ) -> None:
        refuse_shares(shares)
        if not folders:
            raise ValueError("folders names no folder")
        self.folders = [Path(folder).expanduser() for folder in folders]
        self.shares = tuple(shares)
        self.split_seed = split_seed
        self.on_bad = on_bad

    def read(self) -> dict[str, NamedImages]:
        absent = [f"{folder}: there is no such folder" for folder in self.folders]
        absent = [text for text, at in zip(absent, self.folders, strict=True) if not at.is_dir()]
        if absent:
            raise DataError(absent)
        found = [(folder, path) for folder in self.folders for path in _below(folder)]
        sizes, problems = _sizes([path for _, path in found])
        if problems and self.on_bad == "error":
            raise DataError(problems, "mend or remove them, or set data.source.on_bad=skip")
        if problems:
            log.warning("%d files are left out; the first: %s", len(problems), problems[0])
        found = [(folder, path) for folder, path in found if path in sizes]
        if not found:
            listed = ", ".join(map(str, self.folders))
            raise DataError(
                [f"{listed}: no pictures"], f"their names end in one of {', '.join(ENDINGS)}"
            )
        order = np.random.default_rng(self.split_seed).permutation(len(found))
        ends = np.round(np.cumsum(self.shares) * len(found)).astype(int)
        parts = np.split(order, ends[:-1])
        several = len(self.folders) > 1
        return {
            split: _Files([found[index] for index in sorted(part)], sizes, several)
            for split, part in zip(SPLITS, parts, strict=True)
        }


class _Files(NamedImages):
    """Pictures in files, named by their place below their folder."""

    def __init__(
        self,
        found: Sequence[tuple[Path, Path]],
        sizes: dict[Path, tuple[int, int]],
        several: bool,
    ) -> None:
        super().__init__(
            [path.relative_to(at.parent if several else at).as_posix() for at, path in found]
        )
        self._paths = [path for _, path in found]
        self._sizes = [sizes[path] for path in self._paths]

    def __getitem__(self, index: int) -> Tensor:
        return read_image(self._paths[index])

    def size(self, index: int) -> tuple[int, int]:
        return self._sizes[index]


def _below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)


def _sizes(paths: Sequence[Path]) -> tuple[dict[Path, tuple[int, int]], list[str]]:
    """Height and width of each picture as its header says, upright; and what has none."""
    sizes, problems = {}, []
    for path in paths:
        try:
            with Image.open(path) as image:
                width, height = image.size
                turned = image.getexif().get(_ORIENTATION) in _TURNED
        except UNREADABLE as error:
            problems.append(f"{path}: cannot be read as an image ({error})")
            continue
        sizes[path] = (width, height) if turned else (height, width)
    return sizes, problems
