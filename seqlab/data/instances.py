"""Images with objects, of any source, in batches."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from seqlab.data.annotated_images import AnnotatedImages, Example, split_hash
from seqlab.data.annotated_module import AnnotatedDataModule, Splits
from seqlab.data.batches import VOID, InstanceBatch
from seqlab.data.instance_sources import Annotated, InstanceSource, annotated
from seqlab.data.label_maps import Pair
from seqlab.data.paired_transforms import PairedAugmentation, fit, fitted_size, training_pair
from seqlab.data.spec import InstanceSpec


class InstanceDataModule(AnnotatedDataModule[Annotated]):
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
        super().__init__(
            source=source,
            image_size=image_size,
            crop_size=crop_size,
            augmentation=augmentation,
            batch_size=batch_size,
            num_workers=num_workers,
            seed=seed,
        )

    def describe(self, splits: Splits[Annotated]) -> InstanceSpec:
        """The classes, which are known once the data is read."""
        return InstanceSpec(classes=self.source.classes, split_hash=split_hash(splits))

    def together(self, images: AnnotatedImages[Annotated], index: int) -> tuple[int, int]:
        """The size within which an image is resized, since its masks are resized too."""
        return fitted_size(images.size(index), self.image_size)

    def train_view(self, whole: Annotated, chance: np.random.Generator) -> Annotated:
        """An image as training sees it: moved, scaled and mirrored together with its masks."""
        pair = Pair(whole.image, _owners(whole.masks))
        seen = training_pair(pair, self.image_size, self.crop_size, self.augmentation, chance)
        numbers = torch.arange(len(whole.labels), dtype=torch.uint8)  # [N]
        masks = seen.labels == numbers[:, None, None]  # [N, height, width]
        return annotated(seen.image, masks, whole.labels.tolist(), whole.crowds.tolist())

    def evaluation_view(self, whole: Annotated) -> Annotated:
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

    def collate(self, examples: Sequence[Example[Annotated]]) -> InstanceBatch:
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
