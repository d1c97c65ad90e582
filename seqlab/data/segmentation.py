"""Images with a class for each pixel, of any source, in batches."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch

from seqlab.data.annotated_images import Example, split_hash
from seqlab.data.annotated_module import AnnotatedDataModule, Splits
from seqlab.data.batches import SegmentationBatch
from seqlab.data.errors import DataError
from seqlab.data.label_maps import (
    KeptPairs,
    LabelledImages,
    Pair,
    SegmentationSource,
    count_classes,
    median_frequency_weights,
)
from seqlab.data.paired_transforms import PairedAugmentation, fit, training_pair
from seqlab.data.spec import SegmentationSpec


class SegmentationDataModule(AnnotatedDataModule[Pair]):
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
        super().__init__(
            source=source,
            image_size=image_size,
            crop_size=crop_size,
            augmentation=augmentation,
            batch_size=batch_size,
            num_workers=num_workers,
            seed=seed,
        )
        self.in_memory = in_memory

    def describe(self, splits: Splits[Pair]) -> SegmentationSpec:
        """Count the classes of the training split.

        Raises:
            DataError: a label map cannot be read.
        """
        scheme = self.source.scheme
        counts, problems = count_classes(self._held(splits, "train"), len(scheme.classes))
        if problems:
            raise DataError(problems)
        return SegmentationSpec(
            classes=scheme.classes,
            palette=scheme.palette,
            class_weights=median_frequency_weights(counts),
            split_hash=split_hash(splits),
        )

    def images(self, split: str) -> LabelledImages:
        """The images of a split, from now on held in memory where that is wanted."""
        return self._held(self._splits, split)

    def _held(self, splits: Splits[Pair], split: str) -> LabelledImages:
        if self.in_memory and not isinstance(splits[split], KeptPairs):
            splits[split] = KeptPairs(splits[split])
        return splits[split]

    def train_view(self, whole: Pair, chance: np.random.Generator) -> Pair:
        """A pair as training sees it."""
        return training_pair(whole, self.image_size, self.crop_size, self.augmentation, chance)

    def evaluation_view(self, whole: Pair) -> Pair:
        """A pair as evaluation sees it."""
        return Pair(fit(whole.image, self.image_size), whole.labels)

    def collate(self, examples: Sequence[Example[Pair]]) -> SegmentationBatch:
        """A batch of images of one size."""
        return SegmentationBatch(
            image_ids=tuple(example.image_id for example in examples),
            images=torch.stack([example.seen.image for example in examples]),
            labels=torch.stack([example.seen.labels for example in examples]).long(),
        )
