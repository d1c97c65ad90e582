"""Generated photos with the kinds of objects that they show, split."""

import hashlib

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.data.label_sources import ClassifiedImages, LabelSource
from seqlab.data.sources import Images
from seqlab.data.synthetic.photo_world import KINDS
from seqlab.data.synthetic.photos import take_photo

_SIDES = range(32, 513)  # pixels


class PhotoObjects(LabelSource):
    """Photos of landscapes; the classes are the kinds of objects that stand in them.

    Args:
        num_train: photos to train on.
        num_val: photos to validate on.
        num_test: photos to test on.
        side: height and width in pixels.
        aberration: lateral chromatic aberration of the lens; 0 for none.
        seed: what the photos are a function of. It is not the run's, so that all seeds of an
            experiment see the same data.

    Raises:
        ValueError: the side is too short for objects to be told apart, or too long.
    """

    is_multi_label = True

    def __init__(
        self,
        *,
        num_train: int,
        num_val: int,
        num_test: int,
        side: int,
        aberration: float,
        seed: int,
    ) -> None:
        if side not in _SIDES:
            raise ValueError(f"side is from {_SIDES[0]} to {_SIDES[-1]} pixels, {side} was given")
        self.sizes = {"train": num_train, "val": num_val, "test": num_test}
        self.side, self.aberration, self.seed = side, aberration, seed
        self.classes = KINDS

    def read(self) -> dict[str, ClassifiedImages]:
        splits, first = {}, 0
        for split, count in self.sizes.items():
            splits[split] = self._take(range(first, first + count))
            first += count
        return splits

    def _take(self, numbers: range) -> ClassifiedImages:
        """The photos of some numbers."""
        pixels = np.empty((len(numbers), 3, self.side, self.side), np.uint8)
        labels = np.empty((len(numbers), len(KINDS)), np.int8)
        for place, number in enumerate(numbers):
            photo = take_photo(self.seed, number, (self.side, self.side), self.aberration)
            pixels[place], labels[place] = photo.image.numpy(), photo.shows.numpy()
        names = tuple(f"photo-{self.seed}-{number:05d}" for number in numbers)
        return ClassifiedImages(names, Taken(pixels), labels)


class Taken(Images):
    """Photos in memory.

    Args:
        pixels: bytes [N, 3, side, side].
    """

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self._pixels = pixels

    def __len__(self) -> int:
        return len(self._pixels)

    def __getitem__(self, index: int) -> Tensor:
        return torch.from_numpy(self._pixels[index])

    def fingerprint(self) -> str:
        """Hash of all pixels."""
        return hashlib.sha256(self._pixels.tobytes()).hexdigest()
