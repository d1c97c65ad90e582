"""Images and what they show, of any source, in batches."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import ConcatDataset, Dataset

from seqlab.data import transforms
from seqlab.data.batches import ImageBatch
from seqlab.data.errors import DataError
from seqlab.data.images import ImageFiles, read_image, verify
from seqlab.data.label_sources import ClassifiedImages, LabelSource
from seqlab.data.loading import ResumableLoader
from seqlab.data.plans import ByImage, Plan, Sequential
from seqlab.data.sources import SPLITS
from seqlab.data.spec import ImageSpec
from seqlab.data.transforms import Augmentation

log = logging.getLogger(__name__)


class ImageDataModule(LightningDataModule):
    """Batches of images and their classes.

    Args:
        source: reads the data set.
        image_size: height and width in pixels of what the network sees; the short side of a picture
            is resized to it and the middle cut out.
        augmentation: changes training pictures by chance: cut, mirrored or both; None for neither.
        batch_size: images per batch.
        num_workers: processes that load; 0 loads in the main one.
        seed: what order and augmentation are a function of.
    """

    batch_type: ClassVar = ImageBatch

    def __init__(
        self,
        *,
        source: LabelSource,
        image_size: int,
        augmentation: Augmentation | None,
        batch_size: int,
        num_workers: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.source = source
        self.image_size = image_size
        self.augmentation = augmentation
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        self._splits: dict[str, ClassifiedImages] = {}
        self._spec: ImageSpec | None = None

    @property
    def spec(self) -> ImageSpec:
        """What the data says of itself, once it is set up."""
        if self._spec is None:
            raise RuntimeError("the data says what it is after setup()")
        return self._spec

    def setup(self, stage: str | None = None) -> None:
        """Find the images, once.

        Raises:
            DataError: files are missing or malformed, or there is nothing to train on.
        """
        if self._splits:
            return
        splits = self.source.read()
        if not len(splits["train"].images):
            raise DataError(["no image of the training split is here"], "is the data set complete?")
        self._splits = splits
        self._spec = ImageSpec(
            classes=tuple(self.source.classes),
            is_multi_label=self.source.is_multi_label,
            height=self.image_size,
            width=self.image_size,
            split_hash=_hash(splits),
        )

    def adopt(self, spec: ImageSpec) -> None:
        """Take what a checkpoint was trained with."""
        if not self._splits:
            raise RuntimeError("a spec is adopted after setup()")
        self._spec = spec

    def num_images(self, split: str) -> int:
        """How many images a split has."""
        return len(self._splits[split].images)

    def train_dataloader(self) -> ResumableLoader:
        """Training images in an order of chance."""
        data = SplitImages(self._splits["train"], self._prepared, self.source.is_multi_label)
        plan = ByImage(range(len(data)), batch_size=self.batch_size, seed=self.seed)
        return self.load(data, plan)

    def val_dataloader(self) -> ResumableLoader | list[ImageBatch]:
        """Validation images in order; none, and a warning, where there is none."""
        return self._evaluation_loader("val")

    def test_dataloader(self) -> ResumableLoader | list[ImageBatch]:
        """Test images in order; none, and a warning, where there is none."""
        return self._evaluation_loader("test")

    def _evaluation_loader(self, split: str) -> ResumableLoader | list[ImageBatch]:
        data = self.all_images(split)
        if not len(data):
            log.warning("the %s split has no image here, so nothing is measured on it", split)
            return []
        return self.load(data, Sequential(range(len(data)), batch_size=self.batch_size))

    def all_images(self, split: str) -> "SplitImages":
        """The images of a split in order, as evaluation sees them."""
        return SplitImages(self._splits[split], self._fitted, self.source.is_multi_label)

    def load(self, images: "SplitImages", plan: Plan) -> ResumableLoader:
        """Batches of images as a plan has them."""
        return ResumableLoader(images, plan, collate, num_workers=self.num_workers)

    def _prepared(self, image: Tensor, epoch: int, number: int) -> Tensor:
        """A picture as training sees it."""
        if self.augmentation is None:
            return transforms.fit(image, self.image_size)
        chance = np.random.default_rng([self.seed, epoch, number])
        return transforms.augment(image, self.image_size, self.augmentation, chance)

    def _fitted(self, image: Tensor, epoch: int, number: int) -> Tensor:
        """A picture as evaluation sees it."""
        return transforms.fit(image, self.image_size)

    def image(self, image_id: str) -> Tensor:
        """An image of any split as evaluation sees it, [3, height, width] in [0, 1]."""
        for split in self._splits.values():
            if image_id in split.image_ids:
                picture = split.images[split.image_ids.index(image_id)]
                return transforms.fit(picture, self.image_size)
        raise KeyError(f"no image is named {image_id}")

    def open_image(self, path: Path) -> Tensor:
        """A file's image as evaluation sees it, [3, height, width] in [0, 1]; needs no setup."""
        return transforms.fit(read_image(path), self.image_size)

    def check(self, on_progress: Callable[[int, int], None] | None = None) -> list[str]:
        """Problems that reading every image file to its end shows."""
        images = [split.images for split in self.source.read().values()]
        files = [each for each in images if isinstance(each, ImageFiles)]
        return verify(ConcatDataset(files), on_progress) if files else []


Prepare = Callable[[Tensor, int, int], Tensor]  # of a picture, an epoch and the number of an image


class Example(NamedTuple):
    """An image as the network gets it, and what it shows."""

    image_id: str
    pixels: Tensor  # [3, height, width] in [0, 1]
    labels: Tensor  # [C]


class SplitImages(Dataset[Example]):
    """The images of a split, asked for by epoch and number.

    Args:
        split: its images and classes.
        prepare: makes of bytes what the network gets.
        is_multi_label: whether an image may show several classes, or none.

    Attributes:
        places: number and start in seconds of each image, in order, as clips have them.
    """

    def __init__(self, split: ClassifiedImages, prepare: Prepare, is_multi_label: bool) -> None:
        self.split, self.prepare, self.is_multi_label = split, prepare, is_multi_label
        self.places = [(number, 0.0) for number in range(len(self))]

    def known(self, number: int) -> dict[str, Any]:
        """Name and label of an image; where it may show several classes, the label of each."""
        labels = self.split.labels[number].astype(int)  # [C]
        label = labels.tolist() if self.is_multi_label else int(labels.argmax())
        return {"name": self.split.image_ids[number], "label": label}

    def __len__(self) -> int:
        return len(self.split.images)

    def __getitem__(self, key: tuple[int, int]) -> Example:
        epoch, number = key
        pixels = self.prepare(self.split.images[number], epoch, number)
        labels = torch.from_numpy(self.split.labels[number].astype(np.int64))
        return Example(self.split.image_ids[number], pixels, labels)


def collate(examples: Sequence[Example]) -> ImageBatch:
    """A batch of images of one size."""
    return ImageBatch(
        image_ids=tuple(example.image_id for example in examples),
        images=torch.stack([example.pixels for example in examples]),
        labels=torch.stack([example.labels for example in examples]),
    )


def _hash(splits: dict[str, ClassifiedImages]) -> str:
    digest = hashlib.sha256()
    for name in SPLITS:
        for image_id, labels in zip(splits[name].image_ids, splits[name].labels, strict=True):
            digest.update(f"{name}\t{image_id}\t{labels.tolist()}\n".encode())
    return digest.hexdigest()
