"""Images with a class for each pixel, of any source, in batches."""

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
from seqlab.data.batches import SegmentationBatch
from seqlab.data.errors import DataError
from seqlab.data.images import read_image, verify
from seqlab.data.label_maps import (
    KeptPairs,
    LabelledImages,
    Pair,
    SegmentationSource,
    count_classes,
    median_frequency_weights,
)
from seqlab.data.loading import ResumableLoader
from seqlab.data.paired_transforms import PairedAugmentation, fit, training_pair
from seqlab.data.plans import ByImage, EqualSizes, Plan
from seqlab.data.sources import SPLITS
from seqlab.data.spec import SegmentationSpec

log = logging.getLogger(__name__)


class SegmentationDataModule(LightningDataModule):
    """Batches of images and their label maps.

    Args:
        source: reads the data set.
        image_size: height and width in pixels within which pictures are resized, their aspect kept;
            None for as they are. Labels of evaluation stay as large as they were annotated.
        crop_size: height and width of training pictures, cut out or padded; None for
            `image_size`, or for whole pictures where all are of one size.
        augmentation: how training pictures are changed by chance; None for not at all.
        in_memory: whether pictures are decoded once and held; four bytes a pixel.
        batch_size: images per batch; in evaluation fewer where their sizes differ.
        num_workers: processes that load; 0 loads in the main one.
        seed: what order and augmentation are a function of.
    """

    batch_type: ClassVar = SegmentationBatch

    def __init__(
        self,
        *,
        source: SegmentationSource,
        image_size: tuple[int, int] | None,
        crop_size: tuple[int, int] | None,
        augmentation: PairedAugmentation | None,
        in_memory: bool,
        batch_size: int,
        num_workers: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.source = source
        self.image_size = image_size
        self.crop_size = crop_size or image_size
        self.augmentation = augmentation
        self.in_memory = in_memory
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        self._splits: dict[str, LabelledImages] = {}
        self._kept: set[str] = set()
        self._spec: SegmentationSpec | None = None

    @property
    def spec(self) -> SegmentationSpec:
        """What the data says of itself, once it is set up."""
        if self._spec is None:
            raise RuntimeError("the data says what it is after setup()")
        return self._spec

    def setup(self, stage: str | None = None) -> None:
        """Find the files, look at each, and count the classes of the training split; once.

        Raises:
            DataError: files are missing or malformed, no image is left to train on, or training
                pictures differ in size and no size is set.
        """
        if self._splits:
            return
        splits = looked_at(self.source.read(), of_one_size=self.crop_size is None)
        self._splits = splits
        scheme = self.source.scheme
        counts, problems = count_classes(self._images("train"), len(scheme.classes))
        if problems:
            self._splits = {}
            raise DataError(problems)
        self._spec = SegmentationSpec(
            classes=scheme.classes,
            palette=scheme.palette,
            class_weights=median_frequency_weights(counts),
            split_hash=split_hash(splits),
        )

    def adopt(self, spec: SegmentationSpec) -> None:
        """Take the class weights that a checkpoint was trained with."""
        if not self._splits:
            raise RuntimeError("a spec is adopted after setup()")
        self._spec = spec

    def num_images(self, split: str) -> int:
        """How many images a split has."""
        return len(self._splits[split])

    def _images(self, split: str) -> LabelledImages:
        """The images of a split, from now on held in memory where that is wanted."""
        if self.in_memory and split not in self._kept:
            self._splits[split] = KeptPairs(self._splits[split])
            self._kept.add(split)
        return self._splits[split]

    def train_dataloader(self) -> ResumableLoader:
        """Training images in an order of chance."""
        images = self._images("train")
        plan = ByImage(range(len(images)), batch_size=self.batch_size, seed=self.seed)
        return self._loader(images, plan, self._prepare)

    def val_dataloader(self) -> ResumableLoader | list[SegmentationBatch]:
        """Validation images of equal size together; none, and a warning, where there is none."""
        return self._evaluation_loader("val")

    def test_dataloader(self) -> ResumableLoader | list[SegmentationBatch]:
        """Test images of equal size together; none, and a warning, where there is none."""
        return self._evaluation_loader("test")

    def _evaluation_loader(self, split: str) -> ResumableLoader | list[SegmentationBatch]:
        if not self.num_images(split):
            log.warning("the %s split has no image here, so nothing is measured on it", split)
            return []
        images = self._images(split)
        sizes = [images.size(index) for index in range(len(images))]
        plan = EqualSizes(sizes, batch_size=self.batch_size)
        return self._loader(images, plan, self._evaluated)

    def _loader(
        self, images: LabelledImages, plan: Plan, prepare: Prepare[Pair]
    ) -> ResumableLoader:
        data = PreparedImages(images, prepare)
        return ResumableLoader(data, plan, collate, num_workers=self.num_workers)

    def _prepare(self, pair: Pair, epoch: int, number: int) -> Pair:
        """A pair as training sees it."""
        chance = np.random.default_rng([self.seed, epoch, number])
        return training_pair(pair, self.image_size, self.crop_size, self.augmentation, chance)

    def _evaluated(self, pair: Pair, epoch: int, number: int) -> Pair:
        """A pair as evaluation sees it."""
        return Pair(fit(pair.image, self.image_size), pair.labels)

    def image(self, image_id: str) -> Tensor:
        """An image of any split as evaluation sees it, [3, height, width] in [0, 1]."""
        return fit(picture_of(self._splits, image_id), self.image_size)

    def open_image(self, path: Path) -> Tensor:
        """A file's image as evaluation sees it, [3, height, width] in [0, 1]; needs no setup."""
        return fit(read_image(path), self.image_size)

    def check(self, on_progress: Callable[[int, int], None] | None = None) -> list[str]:
        """Problems that reading every image and label map to its end shows."""
        splits = self.source.read()
        return verify(ConcatDataset([splits[name] for name in SPLITS]), on_progress)


def collate(examples: Sequence[Example[Pair]]) -> SegmentationBatch:
    """A batch of images of one size."""
    return SegmentationBatch(
        image_ids=tuple(example.image_id for example in examples),
        images=torch.stack([example.seen.image for example in examples]),
        labels=torch.stack([example.seen.labels for example in examples]).long(),
    )
