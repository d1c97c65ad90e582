"""Images with surface normals, of any source, in batches."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch

from seqlab.data.annotated_images import Example, split_hash
from seqlab.data.annotated_module import AnnotatedDataModule, Splits
from seqlab.data.batches import NormalsBatch
from seqlab.data.errors import DataError
from seqlab.data.images import read_all
from seqlab.data.normal_maps import Facing, NormalsImages, NormalsSource
from seqlab.data.paired_transforms import PairedAugmentation, View, fit
from seqlab.data.spec import NormalsSpec

MEAN_OF = 200  # training images, evenly spaced, of which the mean normal is taken


class NormalsDataModule(AnnotatedDataModule[Facing]):
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
        super().__init__(
            source=source,
            image_size=image_size,
            crop_size=crop_size,
            augmentation=augmentation,
            batch_size=batch_size,
            num_workers=num_workers,
            seed=seed,
        )

    def describe(self, splits: Splits[Facing]) -> NormalsSpec:
        """Take the mean normal of the training split.

        Raises:
            DataError: normals cannot be read, or none is known.
        """
        return NormalsSpec(mean_normal=mean_normal(splits["train"]), split_hash=split_hash(splits))

    def train_view(self, whole: Facing, chance: np.random.Generator) -> Facing:
        """An image as training sees it."""
        size = (whole.image.shape[1], whole.image.shape[2])
        view = View.draw(size, self.image_size, self.crop_size, self.augmentation, chance)
        normals = view.annotation(whole.normals, 0)  # [3, height, width]
        if view.is_mirrored:
            normals = normals * normals.new_tensor([-1.0, 1.0, 1.0]).view(3, 1, 1)
        return Facing(view.picture(whole.image, self.augmentation, chance), normals)

    def evaluation_view(self, whole: Facing) -> Facing:
        """An image as evaluation sees it."""
        return Facing(fit(whole.image, self.image_size), whole.normals)

    def collate(self, examples: Sequence[Example[Facing]]) -> NormalsBatch:
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
