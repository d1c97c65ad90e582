"""Sizes that do not divide: maps that go on beyond their border, or end before it."""

import math

from torch import Tensor
from torch.nn import functional as F


def whole_strides(images: Tensor, stride: int) -> Tensor:
    """Images [B, C, height, width] that go on at the right and below to a multiple of a stride.

    What is added repeats the border, so that location i of a map of that stride lies on the pixels
    from stride * i on, and every pixel is below one.

    Args:
        images: what is continued.
        stride: pixels per location.
    """
    height, width = images.shape[2:]
    return fitted(
        images,
        (math.ceil(height / stride) * stride, math.ceil(width / stride) * stride),
        centred=False,
    )


def fitted(maps: Tensor, size: tuple[int, int], *, centred: bool) -> Tensor:
    """Maps [B, C, height, width] of that size, by repeating the border or cutting it off.

    Args:
        maps: what is continued or cut.
        size: height and width.
        centred: whether that is done on all sides alike, where an odd row or column falls to the
            right and below; else there alone.
    """
    lacking = [wanted - found for wanted, found in zip(size, maps.shape[2:], strict=True)]
    if not any(lacking):
        return maps
    before = [int(lack / 2) if centred else 0 for lack in lacking]
    (top, left), (rows, columns) = before, lacking
    padding = (left, columns - left, top, rows - top)
    return F.pad(maps, padding, mode="replicate")  # [B, C, *size]
