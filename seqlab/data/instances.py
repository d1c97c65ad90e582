"""Images with objects, of any source, in batches."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from lightning import LightningDataModule
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import ConcatDataset

from seqlab.data.annotated_images import (
    Example,
    Prepare,
    PreparedImages,
    looked_at,
    picture_of,
    split_hash,
)
from seqlab.data.batches import VOID, InstanceBatch
from seqlab.data.images import read_image, verify
from seqlab.data.instance_sources import Annotated, InstanceImages, InstanceSource, annotated
from seqlab.data.label_maps import Pair
from seqlab.data.loading import ResumableLoader
from seqlab.data.paired_transforms import PairedAugmentation, fit, fitted_size, training_pair
from seqlab.data.plans import ByImage, EqualSizes, Plan
from seqlab.data.sources import SPLITS
from seqlab.data.spec import InstanceSpec

log = logging.getLogger(__name__)


class InstanceDataModule(LightningDataModule):
    """Batches of images and the objects in them.

    Objects are scored on the pictures that the model sees: with `image_size` masks are resized too.
    In training a pixel that several masks claim belongs to the smallest of them.

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

    batch_type: ClassVar = InstanceBatch

    def __init__(
        self,
        *,
        source: InstanceSource,
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
        self._splits: dict[str, InstanceImages] = {}
        self._spec: InstanceSpec | None = None

    @property
    def spec(self) -> InstanceSpec:
        """What the data says of itself, once it is set up."""
        if self._spec is None:
            raise RuntimeError("the data says what it is after setup()")
        return self._spec

    def setup(self, stage: str | None = None) -> None:
        """Find the files and look at each; once.

        Raises:
            DataError: files are missing or malformed, no image is left to train on, or training
                pictures differ in size and no size is set.
        """
        if self._splits:
            return
        splits = looked_at(self.source.read(), of_one_size=self.crop_size is None)
        self._splits = splits
        self._spec = InstanceSpec(classes=self.source.classes, split_hash=split_hash(splits))

    def adopt(self, spec: InstanceSpec) -> None:
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

    def val_dataloader(self) -> ResumableLoader | list[InstanceBatch]:
        """Validation images of equal size together; none, and a warning, where there is none."""
        return self._evaluation_loader("val")

    def test_dataloader(self) -> ResumableLoader | list[InstanceBatch]:
        """Test images of equal size together; none, and a warning, where there is none."""
        return self._evaluation_loader("test")

    def _evaluation_loader(self, split: str) -> ResumableLoader | list[InstanceBatch]:
        images = self._splits[split]
        if not len(images):
            log.warning("the %s split has no image here, so nothing is measured on it", split)
            return []
        sizes = [fitted_size(images.size(index), self.image_size) for index in range(len(images))]
        return self._loader(images, EqualSizes(sizes, batch_size=self.batch_size), self._evaluated)

    def _loader(
        self, images: InstanceImages, plan: Plan, prepare: Prepare[Annotated]
    ) -> ResumableLoader:
        data = PreparedImages(images, prepare)
        return ResumableLoader(data, plan, collate, num_workers=self.num_workers)

    def _prepare(self, whole: Annotated, epoch: int, number: int) -> Annotated:
        """An image as training sees it: moved, scaled and mirrored together with its masks."""
        chance = np.random.default_rng([self.seed, epoch, number])
        pair = Pair(whole.image, _owners(whole.masks))
        seen = training_pair(pair, self.image_size, self.crop_size, self.augmentation, chance)
        numbers = torch.arange(len(whole.labels), dtype=torch.uint8)  # [N]
        masks = seen.labels == numbers[:, None, None]  # [N, height, width]
        return annotated(seen.image, masks, whole.labels.tolist(), whole.crowds.tolist())

    def _evaluated(self, whole: Annotated, epoch: int, number: int) -> Annotated:
        """An image as evaluation sees it."""
        image = fit(whole.image, self.image_size)
        masks = whole.masks
        if masks.shape[1:] != image.shape[1:] and len(masks):
            size = (image.shape[1], image.shape[2])
            resized = F.interpolate(masks[None].float(), size=size, mode="nearest-exact")
            masks = resized[0] > 0  # [N, height, width]
        elif not len(masks):
            masks = masks.new_zeros(0, *image.shape[1:])
        return annotated(image, masks, whole.labels.tolist(), whole.crowds.tolist())

    def image(self, image_id: str) -> Tensor:
        """An image of any split as evaluation sees it, [3, height, width] in [0, 1]."""
        return fit(picture_of(self._splits, image_id), self.image_size)

    def open_image(self, path: Path) -> Tensor:
        """A file's image as evaluation sees it, [3, height, width] in [0, 1]; needs no setup."""
        return fit(read_image(path), self.image_size)

    def check(self, on_progress: Callable[[int, int], None] | None = None) -> list[str]:
        """Problems that reading every image with its objects shows."""
        splits = self.source.read()
        return verify(ConcatDataset([splits[name] for name in SPLITS]), on_progress)


def collate(examples: Sequence[Example[Annotated]]) -> InstanceBatch:
    """A batch of images of one size; there is room for one object at least."""
    most = max(1, *(len(example.seen.labels) for example in examples))
    padded = [_padded(example.seen, most) for example in examples]
    return InstanceBatch(
        image_ids=tuple(example.image_id for example in examples),
        images=torch.stack([each.image for each in padded]),
        boxes=torch.stack([each.boxes for each in padded]),
        labels=torch.stack([each.labels for each in padded]),
        masks=torch.stack([each.masks for each in padded]),
        crowds=torch.stack([each.crowds for each in padded]),
    )


def _padded(seen: Annotated, count: int) -> Annotated:
    missing = count - len(seen.labels)
    return Annotated(
        seen.image,
        F.pad(seen.boxes, (0, 0, 0, missing)),
        F.pad(seen.labels, (0, missing), value=-1),
        F.pad(seen.masks, (0, 0, 0, 0, 0, missing)),
        F.pad(seen.crowds, (0, missing)),
    )


def _owners(masks: Tensor) -> Tensor:
    """Whose each pixel is, bytes [height, width]: the smallest mask's, VOID where there is none."""
    owners = torch.full(masks.shape[1:], VOID, dtype=torch.uint8)
    for number in masks.flatten(1).sum(dim=1).argsort(descending=True, stable=True).tolist():
        owners[masks[number]] = number
    return owners
