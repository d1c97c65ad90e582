"""What a data set of videos is to the data module that cuts clips out of them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


class Videos(ABC):
    """The videos of a split by number.

    Attributes:
        names: of the videos, unique in the data set.
        labels: their classes.
    """

    names: tuple[str, ...]
    labels: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.names)

    @abstractmethod
    def duration(self, index: int) -> float:
        """Seconds from the first frame to the end of the last."""

    @abstractmethod
    def frames(self, index: int, times: NDArray[np.float64]) -> Tensor:
        """The frames that are seen at some times, as bytes [F, 3, height, width].

        Args:
            index: of the video.
            times: in seconds from the first frame, rising.

        Raises:
            DataError: it cannot be read; the text names it.
        """


class Pair(NamedTuple):
    """Two videos that show the same action or not."""

    first: str  # name of a video
    second: str
    same: bool
    fold: int  # of cross-validation


class VideoSource(ABC):
    """Reads a data set.

    Attributes:
        classes: their names, in the order of the numbers.
        frame_size: height and width of all frames in pixels.
        pairs: what a data set of pairs asks about its videos; known after `read`.
    """

    classes: tuple[str, ...]
    frame_size: tuple[int, int]
    pairs: tuple[Pair, ...] = ()

    @abstractmethod
    def read(self) -> dict[str, Videos]:
        """The splits train, val and test; one may be empty. Classes are known after it.

        Raises:
            DataError: files are missing or malformed; it lists all that was found.
        """


def spread_starts(duration: float, clip_seconds: float, count: int) -> Sequence[float]:
    """Where so many clips begin, evenly from the start of a video to as late as one fits.

    One clip lies in the middle. A video that is no longer than a clip has but one, from its start.
    """
    room = duration - clip_seconds
    if room <= 1e-6:
        return [0.0]
    if count == 1:
        return [room / 2]
    return [room * number / (count - 1) for number in range(count)]


def overlapping_starts(duration: float, clip_seconds: float, step: float) -> Sequence[float]:
    """Where clips begin that follow each other after so many seconds, as many as fit.

    A video that is no longer than a clip has one, from its start.

    Raises:
        ValueError: the step leads nowhere.
    """
    if step <= 0:
        raise ValueError(f"neighbouring clips are {step:g} seconds apart: that is not above 0")
    room = duration - clip_seconds
    return [step * number for number in range(int(max(room, 0.0) / step + 1e-6) + 1)]
