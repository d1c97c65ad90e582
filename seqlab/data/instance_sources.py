"""What a data set of images with objects is to the data module that batches it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from seqlab.components.regions.boxes import tight_boxes
from seqlab.data.annotated_images import AnnotatedImages


class Annotated(NamedTuple):
    """An image and its objects; the box of each is the smallest around its mask."""

    image: Tensor  # bytes [3, height, width], or numbers in [0, 1]
    boxes: Tensor  # [N, 4], left, top, right, bottom in pixels
    labels: Tensor  # [N], classes from 0
    masks: Tensor  # [N, height, width], True on the object's visible pixels
    crowds: Tensor  # [N], True on groups that are not told apart


def annotated(
    image: Tensor, masks: Tensor, labels: Sequence[int], crowds: Sequence[bool]
) -> Annotated:
    """An image [3, height, width] with the objects whose masks [N, height, width] have a pixel."""
    seen = masks.flatten(1).any(dim=1)  # [N]
    masks = masks[seen]
    return Annotated(
        image,
        tight_boxes(masks),
        torch.tensor(labels, dtype=torch.long)[seen],
        masks,
        torch.tensor(crowds, dtype=torch.bool)[seen],
    )


class InstanceImages(AnnotatedImages[Annotated]):
    """The images of one split by number, with their objects."""


class InstanceSource(ABC):
    """Reads a data set whose classes are `classes`, once it is read."""

    classes: tuple[str, ...]

    @abstractmethod
    def read(self) -> dict[str, InstanceImages]:
        """The splits train, val and test; one may be empty.

        Raises:
            DataError: files are missing or malformed; it lists all that was found.
        """
