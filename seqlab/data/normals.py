"""Images with surface normals, of any source, in batches."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import ConcatDataset

from seqlab.data.annotated_images import (
    Example,
    Prepare,
    PreparedImages,
    looked_at,
    picture_of,
    split_hash,
)
from seqlab.data.batches import NormalsBatch
from seqlab.data.errors import DataError
from seqlab.data.images import read_all, read_image, verify
from seqlab.data.loading import ResumableLoader
from seqlab.data.normal_maps import Facing, NormalsImages, NormalsSource
from seqlab.data.paired_transforms import PairedAugmentation, View, fit
from seqlab.data.plans import ByImage, EqualSizes, Plan
from seqlab.data.sources import SPLITS
from seqlab.data.spec import NormalsSpec

log = logging.getLogger(__name__)

MEAN_OF = 200  # training images, evenly spaced, of which the mean normal is taken


class NormalsDataModule(LightningDataModule):
    """Batches of images and the normals of what is seen on them.

    Args:
        source: reads the data set.
        image_size: height and width in pixels within which pictures are resized, their aspect kept;
            None for as they are. Normals of evaluation stay as large as they were annotated.
        crop_size: height and width of training pictures, cut out or padded; None for
            `image_size`, or for whole pictures where all are of one size.
        augmentation: how training pictures are changed by chance; None for not at all. A picture
            that is mirrored has the sideways part of its normals turned round.
        batch_size: images per batch; in evaluation fewer where their sizes differ.
        num_workers: processes that load; 0 loads in the main one.
        seed: what order and augmentation are a function of.
    """

    batch_type: ClassVar = NormalsBatch

    def __init__(
        self,
        *,
        source: NormalsSource,
        image_size: tuple[int, int] | None,
        crop_size: tuple[int, int] | None,
        augmentation: PairedAugmentation | None,
        batch_size: int,
        num_workers: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.source = source
        self.image_size = image_size
        self.crop_size = crop_size or image_size
        self.augmentation = augmentation
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        self._splits: dict[str, NormalsImages] = {}
        self._spec: NormalsSpec | None = None

    @property
    def spec(self) -> NormalsSpec:
        """What the data says of itself, once it is set up."""
        if self._spec is None:
            raise RuntimeError("the data says what it is after setup()")
        return self._spec

    def setup(self, stage: str | None = None) -> None:
        """Find the files, look at each, and take the mean normal of the training split; once.

        Raises:
            DataError: files are missing or malformed, no image is left to train on, or training
                pictures differ in size and no size is set.
        """
        if self._splits:
            return
        splits = looked_at(self.source.read(), of_one_size=self.crop_size is None)
        mean = mean_normal(splits["train"])
        self._splits = splits
        self._spec = NormalsSpec(mean_normal=mean, split_hash=split_hash(splits))

    def adopt(self, spec: NormalsSpec) -> None:
        """Take what a checkpoint was trained with."""
        if not self._splits:
            raise RuntimeError("a spec is adopted after setup()")
        self._spec = spec

    def num_images(self, split: str) -> int:
        """How many images a split has."""
        return len(self._splits[split])

    def train_dataloader(self) -> ResumableLoader:
        """Training images in an order of chance."""
        images = self._splits["train"]
        plan = ByImage(range(len(images)), batch_size=self.batch_size, seed=self.seed)
        return self._loader(images, plan, self._prepare)

    def val_dataloader(self) -> ResumableLoader | list[NormalsBatch]:
        """Validation images of equal size together; none, and a warning, where there is none."""
        return self._evaluation_loader("val")

    def test_dataloader(self) -> ResumableLoader | list[NormalsBatch]:
        """Test images of equal size together; none, and a warning, where there is none."""
        return self._evaluation_loader("test")

    def _evaluation_loader(self, split: str) -> ResumableLoader | list[NormalsBatch]:
        images = self._splits[split]
        if not len(images):
            log.warning("the %s split has no image here, so nothing is measured on it", split)
            return []
        sizes = [images.size(index) for index in range(len(images))]
        return self._loader(images, EqualSizes(sizes, batch_size=self.batch_size), self._evaluated)

    def _loader(
        self, images: NormalsImages, plan: Plan, prepare: Prepare[Facing]
    ) -> ResumableLoader:
        data = PreparedImages(images, prepare)
        return ResumableLoader(data, plan, collate, num_workers=self.num_workers)

    def _prepare(self, whole: Facing, epoch: int, number: int) -> Facing:
        """An image as training sees it."""
        chance = np.random.default_rng([self.seed, epoch, number])
        size = (whole.image.shape[1], whole.image.shape[2])
        view = View.draw(size, self.image_size, self.crop_size, self.augmentation, chance)
        normals = view.annotation(whole.normals, 0)  # [3, height, width]
        if view.is_mirrored:
            normals = normals * normals.new_tensor([-1.0, 1.0, 1.0]).view(3, 1, 1)
        return Facing(view.picture(whole.image, self.augmentation, chance), normals)

    def _evaluated(self, whole: Facing, epoch: int, number: int) -> Facing:
        """An image as evaluation sees it."""
        return Facing(fit(whole.image, self.image_size), whole.normals)

    def image(self, image_id: str) -> Tensor:
        """An image of any split as evaluation sees it, [3, height, width] in [0, 1]."""
        return fit(picture_of(self._splits, image_id), self.image_size)

    def open_image(self, path: Path) -> Tensor:
        """A file's image as evaluation sees it, [3, height, width] in [0, 1]; needs no setup."""
        return fit(read_image(path), self.image_size)

    def check(self, on_progress: Callable[[int, int], None] | None = None) -> list[str]:
        """Problems that reading every image with its normals shows."""
        splits = self.source.read()
        return verify(ConcatDataset([splits[name] for name in SPLITS]), on_progress)


def collate(examples: Sequence[Example[Facing]]) -> NormalsBatch:
    """A batch of images of one size."""
    return NormalsBatch(
        image_ids=tuple(example.image_id for example in examples),
        images=torch.stack([example.seen.image for example in examples]),
        normals=torch.stack([example.seen.normals for example in examples]),
    )


def mean_normal(images: NormalsImages) -> tuple[float, float, float]:
    """The mean direction of the known pixels of some images, of length 1.

    Args:
        images: of which up to 200, evenly spaced, are read.

    Raises:
        DataError: some cannot be read, or no normal of them is known.
    """
    chosen = np.unique(np.linspace(0, len(images) - 1, MEAN_OF).round().astype(int)).tolist()
    sums = torch.zeros(len(chosen), 3, dtype=torch.float64)  # [images, 3]

    def add(index: int, facing: Facing) -> None:
        sums[index] = facing.normals.double().sum(dim=(1, 2))

    problems = read_all(_Chosen(images, chosen), add)
    if problems:
        raise DataError(problems)
    total = sums.sum(dim=0)  # [3]
    if not total.any():
        raise DataError(["no normal of the training images is known"], "is the data set complete?")
    right, down, away = (total / total.norm()).tolist()
    return right, down, away


class _Chosen:
    """Some of the images, by number."""

    def __init__(self, images: NormalsImages, chosen: Sequence[int]) -> None:
        self.images, self.chosen = images, chosen

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: int) -> Facing:
        return self.images[self.chosen[index]]
