"""Pairs of patches of images, of any collection, in batches."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import ConcatDataset

from seqlab.data.annotated_images import Example, PreparedImages, split_hash
from seqlab.data.batches import ContextBatch
from seqlab.data.errors import DataError
from seqlab.data.image_collections import ImageSource, KeptImages, NamedImages
from seqlab.data.images import read_image, verify
from seqlab.data.loading import ResumableLoader
from seqlab.data.patch_cures import PatchCures
from seqlab.data.patches import PatchGrid, Places, draw_pairs
from seqlab.data.plans import ByImage, EqualSizes, Plan
from seqlab.data.resizing import Resizing
from seqlab.data.sources import SPLITS
from seqlab.data.spec import ContextSpec

log = logging.getLogger(__name__)

_EVALUATION = 2**31  # in the place of an epoch: what is evaluated is the same in all runs


class CutImage(NamedTuple):
    """Patches of one image, and pairs of them."""

    patches: Tensor  # [n, 3, p, p]
    centres: Tensor  # [n, 2]
    pairs: Tensor  # [m, 2]
    positions: Tensor  # [m]


class ContextDataModule(LightningDataModule):
    """Batches of pairs of patches; an image is decoded once for all pairs that are cut from it.

    Args:
        source: reads the collection.
        grid: where patches lie.
        cures: what is done to them.
        pairs_per_position: pairs of each of the eight positions in a grid.
        grids_per_image: grids that an epoch cuts out of an image; 4 in the published code.
        pixels: least and greatest number of pixels to which an image is resized, 150,000 to 450,000
            in the paper; None for as it is.
        in_memory: whether images are decoded once and held.
        batch_size: images per batch.
        num_workers: processes that load; 0 loads in the main one.
        seed: what order and chance are a function of.
    """

    batch_type: ClassVar = ContextBatch

    def __init__(
        self,
        *,
        source: ImageSource,
        grid: PatchGrid,
        cures: PatchCures,
        pairs_per_position: int,
        grids_per_image: int,
        pixels: tuple[int, int] | None,
        in_memory: bool,
        batch_size: int,
        num_workers: int,
        seed: int,
    ) -> None:
        if pairs_per_position < 1 or grids_per_image < 1:
            raise ValueError(
                "pairs_per_position and grids_per_image are above 0; "
                f"{pairs_per_position} and {grids_per_image} were given"
            )
        super().__init__()
        self.source = source
        self.grid = grid
        self.cures = cures
        self.pairs_per_position = pairs_per_position
        self.grids_per_image = grids_per_image
        self.resizing = Resizing(pixels=pixels, least_side=grid.least_side)
        self.in_memory = in_memory
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        self._splits: dict[str, NamedImages] = {}
        self._spec: ContextSpec | None = None

    @property
    def spec(self) -> ContextSpec:
        """What the data says of itself, once it is set up."""
        if self._spec is None:
            raise RuntimeError("the data says what it is after setup()")
        return self._spec

    def setup(self, stage: str | None = None) -> None:
        """Find the images and look at their sizes; once.

        Raises:
            DataError: there are none to train on, or some are unreadable or too small.
        """
        if self._splits:
            return
        splits = self.source.read()
        if not len(splits["train"]):
            raise DataError(["no image is left to train on"], "data.source says what is read")
        problems = [problem for split in SPLITS for problem in self._too_small(splits[split])]
        if problems:
            hint = "set data.pixels=[LEAST,MOST] to resize them, or use smaller patches"
            raise DataError(problems, hint)
        if self.in_memory:
            splits = {name: KeptImages(images) for name, images in splits.items()}
        self._splits = splits
        self._spec = ContextSpec(patch_size=self.grid.patch_size, split_hash=split_hash(splits))

    def adopt(self, spec: ContextSpec) -> None:
        """A checkpoint's spec; it says nothing that could be taken over."""

    def labels(self, image_id: str) -> Tensor | None:
        """Classes [height, width] of an image's pixels; None where the collection has none."""
        return self.source.labels(image_id)

    def num_images(self, split: str) -> int:
        """How many images a split has."""
        return len(self._splits[split])

    def image_ids(self, split: str) -> tuple[str, ...]:
        """Names of the images of a split."""
        return self._splits[split].image_ids

    def image(self, image_id: str) -> Tensor:
        """An image of any split as evaluation sees it, [3, height, width] in [0, 1]."""
        for images in self._splits.values():
            if image_id in images.image_ids:
                return self.resizing(images[images.image_ids.index(image_id)], None)
        raise KeyError(f"no image is named {image_id}")

    def train_dataloader(self) -> ResumableLoader:
        """Images in an order of chance, cut anew in each epoch."""
        images = self._splits["train"]
        plan = ByImage(range(len(images)), batch_size=self.batch_size, seed=self.seed)
        return self._loader(images, plan, self._trained)

    def val_dataloader(self) -> ResumableLoader | list[ContextBatch]:
        """Validation images, cut in the same way each time."""
        return self._evaluation_loader("val")

    def test_dataloader(self) -> ResumableLoader | list[ContextBatch]:
        """Test images, cut in the same way each time."""
        return self._evaluation_loader("test")

    def _evaluation_loader(self, split: str) -> ResumableLoader | list[ContextBatch]:
        images = self._splits[split]
        if not len(images):
            log.warning("the %s split has no image here, so nothing is measured on it", split)
            return []
        plan = EqualSizes([(0, 0)] * len(images), batch_size=self.batch_size)
        return self._loader(images, plan, self._evaluated)

    def _loader(
        self, images: NamedImages, plan: Plan, prepare: Callable[[Tensor, int, int], CutImage]
    ) -> ResumableLoader:
        data = PreparedImages(images, prepare)
        return ResumableLoader(data, plan, collate, num_workers=self.num_workers)

    def _trained(self, image: Tensor, epoch: int, number: int) -> CutImage:
        """An image as training sees it."""
        return self.cut(image, np.random.default_rng([self.seed, epoch, number]))

    def _evaluated(self, image: Tensor, epoch: int, number: int) -> CutImage:
        """An image as evaluation sees it."""
        return self.cut(image, np.random.default_rng([_EVALUATION, number]))

    def cut(self, image: Tensor, chance: np.random.Generator) -> CutImage:
        """Patches and pairs of an image.

        Args:
            image: bytes [3, height, width].
            chance: of size, places, pairs and cures.
        """
        shown = self.resizing(image, chance)  # [3, height, width]
        size = (shown.shape[1], shown.shape[2])
        patches, centres, pairs, positions = [], [], [], []
        for _ in range(self.grids_per_image):
            places = self.grid.place(size, chance)
            own, position = draw_pairs(places, self.pairs_per_position, chance)
            pairs.append(own + sum(len(each) for each in centres))
            positions.append(position)
            patches += self.grid.cut(shown, places)
            centres.append(self.grid.centres(places, size))
        return CutImage(
            self.cures(torch.stack(patches), chance),
            torch.from_numpy(np.concatenate(centres)),
            torch.from_numpy(np.concatenate(pairs)),
            torch.from_numpy(np.concatenate(positions)),
        )

    def windows(self, image: Tensor, step: int) -> tuple[Tensor, Tensor, Places]:
        """Patches at equal distances all over an image: as they are, and as the network gets them.

        Args:
            image: in [0, 1], [3, height, width], as `image` gives it.
            step: pixels from one patch to the next.

        Returns:
            Patches [n, 3, p, p] twice, and where they lie.
        """
        places = self.grid.windows((image.shape[1], image.shape[2]), step)
        plain = torch.stack(self.grid.cut(image, places))  # [n, 3, p, p]
        chance = np.random.default_rng(_EVALUATION)
        return plain, self.cures(plain, chance, reduced=False), places

    def open_image(self, path: Path) -> tuple[Tensor, Places, CutImage]:
        """A file's image in [0, 1] as evaluation sees it, and one grid of it; needs no setup.

        Raises:
            DataError: it is no picture, or too small.
        """
        image = read_image(path)
        size = (image.shape[1], image.shape[2])
        if min(self.resizing.size(size, None)) < self.grid.least_side:
            raise DataError([self._problem(str(path), size)])
        shown = self.resizing(image, None)
        chance = np.random.default_rng([_EVALUATION, 0])
        places = self.grid.place((shown.shape[1], shown.shape[2]), chance)
        pairs, positions = draw_pairs(places, 1, chance)
        centres = self.grid.centres(places, (shown.shape[1], shown.shape[2]))
        patches = self.cures(torch.stack(self.grid.cut(shown, places)), chance)
        cut = CutImage(
            patches,
            torch.from_numpy(centres),
            torch.from_numpy(pairs),
            torch.from_numpy(positions),
        )
        return shown, places, cut

    def _too_small(self, images: NamedImages) -> list[str]:
        """Which images have no room for a grid."""
        if self.resizing.pixels is not None:
            return []
        sizes = map(images.size, range(len(images)))
        return [
            self._problem(name, size)
            for name, size in zip(images.image_ids, sizes, strict=True)
            if min(size) < self.grid.least_side
        ]

    def _problem(self, name: str, size: tuple[int, int]) -> str:
        least = self.grid.least_side
        return (
            f"{name}: {size[0]} x {size[1]} pixels, too small for two rows and two columns of "
            f"patches, which take {least} x {least}"
        )

    def check(self, on_progress: Callable[[int, int], None] | None = None) -> list[str]:
        """Problems that reading every image to its end shows."""
        splits = self.source.read()
        return verify(ConcatDataset([splits[name] for name in SPLITS]), on_progress)


def collate(examples: Sequence[Example[CutImage]]) -> ContextBatch:
    """A batch of images, the numbers of their patches counted on."""
    cut = [example.seen for example in examples]
    counts = [len(each.patches) for each in cut]
    firsts = np.cumsum([0, *counts[:-1]]).tolist()
    return ContextBatch(
        image_ids=tuple(
            example.image_id
            for example, count in zip(examples, counts, strict=True)
            for _ in range(count)
        ),
        patches=torch.cat([each.patches for each in cut]),
        centres=torch.cat([each.centres for each in cut]),
        pairs=torch.cat([each.pairs + first for each, first in zip(cut, firsts, strict=True)]),
        positions=torch.cat([each.positions for each in cut]),
    )
