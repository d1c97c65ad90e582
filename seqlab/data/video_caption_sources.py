"""What a data set of captioned videos is to the data module that batches it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqlab.data.video_sources import Videos

# Of a video's number and times in seconds [F]: which of these frames show what is asked for, [F].
Telling = Callable[[int, NDArray[np.float64]], NDArray[np.bool_]]


class VideoCaptionSplit(NamedTuple):
    """One split; `captions[n]` are those of video n."""

    videos: Videos
    captions: tuple[tuple[str, ...], ...]  # raw text, at least one of each video
    telling: Telling | None = None  # None where nobody knows


class VideoCaptionSource(ABC):
    """Reads a data set.

    Attributes:
        frame_size: height and width of all frames in pixels.
    """

    frame_size: tuple[int, int]

    @abstractmethod
    def read(self) -> dict[str, VideoCaptionSplit]:
        """The splits train, val and test; one may be empty.

        Raises:
            DataError: files are missing or malformed; it lists all that was found.
        """
