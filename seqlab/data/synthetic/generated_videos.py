"""What generated videos share: each is a function of a seed, its split and its number."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.data.video_sources import Videos

Array = NDArray[np.float64]
# Frames [F, 3, height, width] at some times [F] in seconds; chance draws all that they show.
Draw = Callable[[np.random.Generator, Array], NDArray[np.uint8]]


class GeneratedVideos(Videos):
    """The videos of a split, drawn when they are asked for; of no class.

    Args:
        split: its name.
        count: how many there are.
        seconds: how long each is.
        key: what they are a function of, together with their number.
        draw: draws a video.
    """

    def __init__(
        self, split: str, count: int, seconds: float, key: tuple[int, ...], draw: Draw
    ) -> None:
        self.names = tuple(f"{split}:{index + 1}" for index in range(count))
        self.labels = (0,) * count
        self._seconds, self._key, self._draw = seconds, key, draw

    def duration(self, index: int) -> float:
        return self._seconds

    def chance(self, index: int) -> np.random.Generator:
        """What a video is drawn by, always from its start."""
        return np.random.default_rng([*self._key, index])

    def frames(self, index: int, times: Array) -> Tensor:
        return torch.from_numpy(self._draw(self.chance(index), times))


def refuse_small(side: int, seconds: float) -> None:
    """Complain of videos in which nothing could be told apart.

    Raises:
        ValueError: the side is too short, or they have no length.
    """
    if side < 16 or seconds <= 0:
        raise ValueError(
            f"side is at least 16 pixels and seconds above 0, not {side} and {seconds}"
        )
