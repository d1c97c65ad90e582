"""Max pooling that remembers where each maximum was, and its reverse."""

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F

WINDOW = 2  # height and width in pixels


class Pooled(NamedTuple):
    """The maxima of windows, and where they were."""

    values: Tensor  # [B, C, h / 2, w / 2], rounded up
    switches: Tensor  # as large; row * w + column of each maximum
    size: tuple[int, int]  # height and width before


def pool(maps: Tensor) -> Pooled:
    """Maxima of 2 x 2 windows with their switches; Noh et al. (2015), section 3.2.1.

    A last row or column of an odd size is pooled by itself, so that nothing is lost.

    Args:
        maps: [B, C, h, w].
    """
    values, switches = F.max_pool2d(maps, WINDOW, ceil_mode=True, return_indices=True)
    return Pooled(values, switches, (maps.shape[2], maps.shape[3]))


def unpool(values: Tensor, pooled: Pooled) -> Tensor:
    """Puts each value back where the maximum of its window was, among zeros; [B, C, h, w].

    Args:
        values: as many as there were maxima, [B, C, h / 2, w / 2].
        pooled: what remembers the places.
    """
    return F.max_unpool2d(values, pooled.switches, WINDOW, output_size=list(pooled.size))
