"""Images with what is known of their pixels, of any source and any kind, in batches."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol

import numpy as np
from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import ConcatDataset

from seqlab.data.annotated_images import (
    AnnotatedImages,
    Example,
    Prepare,
    PreparedImages,
    SeenT,
    looked_at,
    picture_of,
)
from seqlab.data.images import read_image, verify
from seqlab.data.loading import ResumableLoader
from seqlab.data.paired_transforms import PairedAugmentation, fit
from seqlab.data.plans import ByImage, EqualSizes, Plan
from seqlab.data.sources import SPLITS
from seqlab.data.spec import Spec

log = logging.getLogger(__name__)

Splits = dict[str, AnnotatedImages[SeenT]]


class Source(Protocol):
    """Reads a data set."""

    def read(self) -> dict[str, Any]:
        """The splits train, val and test; one may be empty."""
        ...


class AnnotatedDataModule(LightningDataModule, ABC, Generic[SeenT]):
    """Batches of images and what is known of their pixels.

    Args:
        source: reads the data set.
        image_size: height and width in pixels within which pictures are resized, their aspect kept;
            None for as they are.
        crop_size: height and width of training pictures, cut out or padded; None for
            `image_size`, or for whole pictures where all are of one size.
        augmentation: how training pictures are changed by chance; None for not at all.
        batch_size: images per batch; in evaluation fewer where their sizes differ.
        num_workers: processes that load; 0 loads in the main one.
        seed: what order and augmentation are a function of.
    """

    def __init__(
        self,
        *,
        source: Source,
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
        self._splits: Splits[SeenT] = {}
        self._spec: Spec | None = None

    @abstractmethod
    def describe(self, splits: Splits[SeenT]) -> Spec:
        """What the data says of itself.

        Raises:
            DataError: something that has to be read for it cannot be.
        """

    @abstractmethod
    def train_view(self, whole: SeenT, chance: np.random.Generator) -> SeenT:
        """An image as training sees it."""

    @abstractmethod
    def evaluation_view(self, whole: SeenT) -> SeenT:
        """An image as evaluation sees it."""

    @abstractmethod
    def collate(self, examples: Sequence[Example[SeenT]]) -> Any:
        """A batch of images of one size."""

    def images(self, split: str) -> AnnotatedImages[SeenT]:
        """The images of a split."""
        return self._splits[split]

    def together(self, images: AnnotatedImages[SeenT], index: int) -> tuple[int, int]:
        """A size that images have in common which evaluation may put in one batch."""
        return images.size(index)

    @property
    def spec(self) -> Any:
        """What the data says of itself, once it is set up."""
        if self._spec is None:
            raise RuntimeError("the data says what it is after setup()")
        return self._spec

    def setup(self, stage: str | None = None) -> None:
        """Find the files, look at each, and learn what the data says of itself; once.

        Raises:
            DataError: files are missing or malformed, no image is left to train on, or training
                pictures differ in size and no size is set.
        """
        if self._splits:
            return
        splits = looked_at(self.source.read(), of_one_size=self.crop_size is None)
        self._spec = self.describe(splits)
        self._splits = splits

    def adopt(self, spec: Spec) -> None:
        """Take what a checkpoint was trained with."""
        if not self._splits:
            raise RuntimeError("a spec is adopted after setup()")
        self._spec = spec

    def num_images(self, split: str) -> int:
        """How many images a split has."""
        return len(self._splits[split])

    def train_dataloader(self) -> ResumableLoader:
        """Training images in an order of chance."""
        images = self.images("train")
        plan = ByImage(range(len(images)), batch_size=self.batch_size, seed=self.seed)
        return self._loader(images, plan, self._prepare)

    def val_dataloader(self) -> ResumableLoader | list[Any]:
        """Validation images of equal size together; none, and a warning, where there is none."""
        return self._evaluation_loader("val")

    def test_dataloader(self) -> ResumableLoader | list[Any]:
        """Test images of equal size together; none, and a warning, where there is none."""
        return self._evaluation_loader("test")

    def _evaluation_loader(self, split: str) -> ResumableLoader | list[Any]:
        if not self.num_images(split):
            log.warning("the %s split has no image here, so nothing is measured on it", split)
            return []
        images = self.images(split)
        sizes = [self.together(images, index) for index in range(len(images))]
        return self._loader(images, EqualSizes(sizes, batch_size=self.batch_size), self._evaluated)

    def _loader(
        self, images: AnnotatedImages[SeenT], plan: Plan, prepare: Prepare[SeenT]
    ) -> ResumableLoader:
        data = PreparedImages(images, prepare)
        return ResumableLoader(data, plan, self.collate, num_workers=self.num_workers)

    def _prepare(self, whole: SeenT, epoch: int, number: int) -> SeenT:
        return self.train_view(whole, np.random.default_rng([self.seed, epoch, number]))

    def _evaluated(self, whole: SeenT, epoch: int, number: int) -> SeenT:
        return self.evaluation_view(whole)

    def image(self, image_id: str) -> Tensor:
        """An image of any split as evaluation sees it, [3, height, width] in [0, 1]."""
        return fit(picture_of(self._splits, image_id), self.image_size)

    def open_image(self, path: Path) -> Tensor:
        """A file's image as evaluation sees it, [3, height, width] in [0, 1]; needs no setup."""
        return fit(read_image(path), self.image_size)

    def check(self, on_progress: Callable[[int, int], None] | None = None) -> list[str]:
        """Problems that reading every image to its end, with what is known of it, shows."""
        splits = self.source.read()
        return verify(ConcatDataset([splits[name] for name in SPLITS]), on_progress)
