"""Patches of generated photos with the parts that they show, split."""

import numpy as np
import torch
from numpy.typing import NDArray

from seqlab.data.label_sources import ClassifiedImages, LabelSource
from seqlab.data.patch_cures import PatchCures
from seqlab.data.synthetic.photo_objects import Taken
from seqlab.data.synthetic.photo_paint import CLASSES
from seqlab.data.synthetic.photos import take_photo

LEAST_SHARE = 0.1  # of a patch's pixels from which on a part counts as shown


class PhotoPatches(LabelSource):
    """Patches at places of chance; the classes are what fills them: sky, road, wall, wheel, ...

    Args:
        num_train: patches to train on.
        num_val: patches to validate on.
        num_test: patches to test on.
        per_photo: patches of each photo; the next photo begins where a split does.
        patch_size: height and width of a patch in pixels.
        cures: what is done to patches before they are kept as bytes, so that a network which
            learned of cured patches sees such; None keeps them as they were taken.
        side: height and width of a photo in pixels.
        aberration: lateral chromatic aberration of the lens; 0 for none.
        seed: what photos and places are a function of. It is not the run's, so that all seeds of an
            experiment see the same data.

    Raises:
        ValueError: a photo is smaller than a patch, or none is cut of it.
    """

    is_multi_label = True

    def __init__(
        self,
        *,
        num_train: int,
        num_val: int,
        num_test: int,
        per_photo: int,
        patch_size: int,
        cures: PatchCures | None,
        side: int,
        aberration: float,
        seed: int,
    ) -> None:
        if not 1 <= patch_size <= side:
            raise ValueError(
                f"patch_size={patch_size}: from 1 pixel to the side of a photo, {side}"
            )
        if per_photo < 1:
            raise ValueError(f"per_photo={per_photo}: at least 1")
        self.sizes = {"train": num_train, "val": num_val, "test": num_test}
        self.per_photo, self.patch_size, self.cures = per_photo, patch_size, cures
        self.side, self.aberration, self.seed = side, aberration, seed
        self.classes = CLASSES

    def read(self) -> dict[str, ClassifiedImages]:
        splits, first = {}, 0
        for split, count in self.sizes.items():
            splits[split] = self._cut(first, count)
            first += -(-count // self.per_photo)
        return splits

    def _cut(self, first: int, count: int) -> ClassifiedImages:
        """So many patches of the photos from a number on."""
        size = self.patch_size
        pixels = np.empty((count, 3, size, size), np.uint8)
        labels = np.empty((count, len(CLASSES)), np.int8)
        names = []
        for place in range(count):
            number, own = first + place // self.per_photo, place % self.per_photo
            if own == 0:
                photo = take_photo(self.seed, number, (self.side, self.side), self.aberration)
                chance = np.random.default_rng([self.seed, number])
                corners = chance.integers(0, self.side - size + 1, (self.per_photo, 2))
            top, left = corners[own].tolist()
            window = slice(top, top + size), slice(left, left + size)
            pixels[place] = photo.image[:, *window].numpy()
            parts = np.bincount(photo.labels[window].numpy().reshape(-1), minlength=len(CLASSES))
            labels[place] = parts >= LEAST_SHARE * size**2
            names.append(f"patch-{self.seed}-{number:05d}-{own}")
        return ClassifiedImages(tuple(names), Taken(self._cured(pixels, first)), labels)

    def _cured(self, pixels: NDArray[np.uint8], first: int) -> NDArray[np.uint8]:
        """Patches [n, 3, p, p] of the photos from a number on, as they are kept."""
        if self.cures is None or not len(pixels):
            return pixels
        chance = np.random.default_rng([self.seed, first, len(pixels)])
        cured = self.cures(torch.from_numpy(pixels) / 255, chance)  # [n, 3, p, p]
        return (cured.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
