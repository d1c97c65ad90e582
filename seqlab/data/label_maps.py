"""What a data set of images with a class for each pixel is to the data module that batches it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.data.annotated_images import AnnotatedImages
from seqlab.data.batches import VOID
from seqlab.data.errors import DataError
from seqlab.data.images import read_all


class Pair(NamedTuple):
    """An image and its label map."""

    image: Tensor  # bytes [3, height, width]
    labels: Tensor  # bytes [height, width], classes or VOID


class LabelScheme(NamedTuple):
    """The classes of a data set, and which number stands for which in its files."""

    classes: tuple[str, ...]
    palette: tuple[str, ...]  # colour of each class, such as `#804000`
    values: Mapping[int, int]  # class, or VOID, of each number that may occur

    def decode(self, numbers: NDArray[np.uint8], path: Path) -> Tensor:
        """Classes [height, width] of the numbers of a file.

        Raises:
            DataError: a number stands for nothing.
        """
        table = np.full(256, VOID, np.uint8)
        table[list(self.values)] = list(self.values.values())
        found = np.flatnonzero(np.bincount(numbers.reshape(-1), minlength=256))
        unknown = [str(number) for number in found if int(number) not in self.values]
        if unknown:
            allowed = _spans(sorted(self.values))
            problem = f"{path}: has pixels labelled {', '.join(unknown)}; known are {allowed}"
            raise DataError([problem])
        return torch.from_numpy(table[numbers])


class LabelledImages(AnnotatedImages[Pair]):
    """The images of one split by number, with their label maps, which are as large."""

    @abstractmethod
    def labels(self, index: int) -> Tensor:
        """The labels alone, bytes [height, width].

        Raises:
            DataError: they cannot be read or do not fit the image.
        """


class SegmentationSource(ABC):
    """Reads a data set whose classes are `scheme`."""

    scheme: LabelScheme

    @abstractmethod
    def read(self) -> dict[str, LabelledImages]:
        """The splits train, val and test; one may be empty.

        Raises:
            DataError: files are missing or malformed; it lists all that was found.
        """


class KeptPairs(LabelledImages):
    """Pairs decoded once and held in memory.

    Args:
        images: what is read.

    Raises:
        DataError: some cannot be read; it lists them all.
    """

    def __init__(self, images: LabelledImages) -> None:
        super().__init__(images.image_ids)
        pairs: dict[int, Pair] = {}
        problems = read_all(images, pairs.__setitem__)
        if problems:
            raise DataError(problems)
        self._pairs = [pairs[index] for index in range(len(images))]

    def __getitem__(self, index: int) -> Pair:
        return self._pairs[index]

    def labels(self, index: int) -> Tensor:
        return self._pairs[index].labels

    def size(self, index: int) -> tuple[int, int]:
        height, width = self._pairs[index].labels.shape
        return height, width


def count_classes(images: LabelledImages, num_classes: int) -> tuple[NDArray[np.int64], list[str]]:
    """Pixels of each class in each image, [images, classes], and what cannot be counted.

    Args:
        images: whose labels are counted; void pixels are not.
        num_classes: how many classes there are.
    """
    counts = np.zeros((len(images), num_classes), np.int64)

    def count(index: int, labels: Tensor) -> None:
        counts[index] = np.bincount(labels.numpy().reshape(-1), minlength=256)[:num_classes]

    return counts, read_all(_LabelsOf(images), count)


class _LabelsOf:
    """The labels of images by number, without the images."""

    def __init__(self, images: LabelledImages) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return self.images.labels(index)


def median_frequency_weights(counts: NDArray[np.int64]) -> tuple[float, ...]:
    """Weights of Eigen and Fergus (2015), section 6.3.2: median frequency over each class's own.

    The frequency of a class is its share of the labelled pixels of those images where it occurs.
    A class that never occurs has the weight 1.

    Args:
        counts: pixels of each class in each image, [images, classes].
    """
    present = counts > 0
    around = (present * counts.sum(axis=1, keepdims=True)).sum(axis=0)  # pixels where it occurs
    own = counts.sum(axis=0)
    frequency = own[own > 0] / around[own > 0]
    weights = np.ones(counts.shape[1])
    weights[own > 0] = np.median(frequency) / frequency if len(frequency) else 1
    return tuple(weights.tolist())


def _spans(numbers: Sequence[int]) -> str:
    """`0 to 11, 255` for sorted numbers."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], number]
        else:
            spans.append([number])
    return ", ".join(f"{s[0]} to {s[-1]}" if len(s) > 1 else f"{s[0]}" for s in spans)
