"""Images and label maps in files: finding, looking at and reading them, and all errors at once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from seqlab.data.caption_files import Listed, duplicates
from seqlab.data.errors import DataError
from seqlab.data.images import UNREADABLE, read_image
from seqlab.data.label_maps import LabelledImages, LabelScheme, Pair

_SUFFIXES = (".png", ".jpg", ".jpeg")  # of an image, whatever a list says
_TURNED = range(5, 9)  # values of EXIF's orientation with which width and height change places
_ORIENTATION = 0x0112
_NUMBER_MODES = ("L", "P", "1")  # in which Pillow has one number of a byte for each pixel


class PairFiles(NamedTuple):
    """Where an image and its label map lie."""

    image_id: str
    image: Path
    labels: Path
    listed_at: str  # file and line that name them, or the folder where they were found


class LabelledFiles(LabelledImages):
    """Pairs of files, decoded when asked for.

    Args:
        pairs: the files.
        scheme: which numbers stand for which classes.
        read_numbers: gives the numbers [height, width] of a label file.
    """

    def __init__(
        self,
        pairs: Sequence[PairFiles],
        scheme: LabelScheme,
        read_numbers: Callable[[Path], NDArray[np.uint8]] | None = None,
    ) -> None:
        super().__init__([pair.image_id for pair in pairs])
        self.pairs = tuple(pairs)
        self.scheme = scheme
        self.read_numbers = read_numbers or read_label_image
        self._sizes: dict[int, tuple[int, int]] = {}

    def __getitem__(self, index: int) -> Pair:
        problems: list[str] = []
        parts: list[Tensor] = []
        for read in (lambda: read_image(self.pairs[index].image), lambda: self.labels(index)):
            try:
                parts.append(read())
            except DataError as error:
                problems += error.problems
        if problems:
            raise DataError([self._listed(problem, index) for problem in dict.fromkeys(problems)])
        return Pair(*parts)

    def labels(self, index: int) -> Tensor:
        path = self.pairs[index].labels
        labels = self.scheme.decode(self.read_numbers(path), path)
        if problem := self._difference(index, tuple(labels.shape)):
            raise DataError([problem])
        return labels

    def size(self, index: int) -> tuple[int, int]:
        if index not in self._sizes:
            self._sizes[index] = size_in_header(self.pairs[index].image)
        return self._sizes[index]

    def probe(self) -> list[str]:
        problems = []
        for index, pair in enumerate(self.pairs):
            try:
                self.size(index)
                if pair.labels.suffix == ".png":
                    problem = self._difference(index, size_in_header(pair.labels))
                    problems += [self._listed(problem, index)] if problem else []
            except DataError as error:
                problems += [self._listed(problem, index) for problem in error.problems]
        return problems

    def _difference(self, index: int, size: tuple[int, ...]) -> str:
        """Why labels of that size do not fit their image, or nothing."""
        height, width = self.size(index)
        if size == (height, width):
            return ""
        image, labels, _ = self.pairs[index][1:]
        return f"{labels}: is {size[0]} x {size[1]} pixels, its image {image} {height} x {width}"

    def _listed(self, problem: str, index: int) -> str:
        return f"{problem}, listed at {self.pairs[index].listed_at}"


def read_label_image(path: Path) -> NDArray[np.uint8]:
    """Numbers [height, width] of a picture that has one for each pixel, with or without a palette.

    Raises:
        DataError: it cannot be read, or has colours in the place of numbers.
    """
    try:
        with Image.open(path) as image:
            if image.mode not in _NUMBER_MODES:
                problem = f"{path}: is no label map: its pixels are {image.mode}, not one byte each"
                raise DataError([problem])
            return np.array(image).astype(np.uint8, copy=False)
    except UNREADABLE as error:
        raise DataError([f"{path}: cannot be read as an image ({error})"]) from error


def size_in_header(path: Path) -> tuple[int, int]:
    """Height and width of a picture once it is upright, without decoding it.

    Raises:
        DataError: the file is no picture.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = image.format == "JPEG" and image.getexif().get(_ORIENTATION) in _TURNED
    except UNREADABLE as error:
        raise DataError([f"{path}: cannot be read as an image ({error})"]) from error
    return (width, height) if turned else (height, width)


def labelled_splits(
    listed: Mapping[str, Sequence[PairFiles]],
    scheme: LabelScheme,
    problems: Sequence[str],
    read_numbers: Callable[[Path], NDArray[np.uint8]] | None = None,
) -> dict[str, LabelledImages]:
    """The splits, if all that is listed is there and nothing twice.

    Args:
        listed: pairs of each split.
        scheme: which numbers stand for which classes.
        problems: what was found so far.
        read_numbers: gives the numbers of a label file that is no picture.

    Raises:
        DataError: something is wrong; it lists all of it.
    """
    pairs = [pair for split in listed.values() for pair in split]
    found = [*problems, *duplicates(Listed(pair.image_id, pair.listed_at) for pair in pairs)]
    here = _files_by_stem({path.parent for pair in pairs for path in (pair.image, pair.labels)})
    splits: dict[str, LabelledImages] = {}
    for split, sought in listed.items():
        located = [_locate(pair, here, found) for pair in sought]
        splits[split] = LabelledFiles([p for p in located if p is not None], scheme, read_numbers)
    if found:
        raise DataError(found)
    return splits


def _files_by_stem(folders: Iterable[Path]) -> dict[Path, dict[str, str]]:
    """For each path without its suffix, those it has; listing is faster than asking for each."""
    suffixes: dict[Path, dict[str, str]] = {}
    for folder in folders:
        for path in folder.iterdir() if folder.is_dir() else ():
            suffixes.setdefault(path.with_suffix(""), {})[path.suffix.lower()] = path.suffix
    return suffixes


def _locate(
    pair: PairFiles, here: Mapping[Path, Mapping[str, str]], problems: list[str]
) -> PairFiles | None:
    """The pair with the suffix that its image has here; None, and the problem, where one lacks."""
    stem = pair.image.with_suffix("")
    suffixes = here.get(stem, {})
    found = next((suffixes[s] for s in (pair.image.suffix, *_SUFFIXES) if s in suffixes), None)
    if found is None:
        problems.append(f"{pair.image}: no such image, listed at {pair.listed_at}")
    annotated = pair.labels.suffix in here.get(pair.labels.with_suffix(""), {})
    if not annotated:
        problems.append(f"{pair.labels}: no such label map, listed at {pair.listed_at}")
    if found is None or not annotated:
        return None
    return pair._replace(image=stem.parent / f"{stem.name}{found}")
