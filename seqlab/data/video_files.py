"""Video files, decoded by PyAV at the times that are asked for."""

import functools
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.data.errors import DataError
from seqlab.data.video_sources import Videos

log = logging.getLogger(__name__)

ENDINGS = (".avi", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm")
TORN = 0.5  # seconds that may lack at the end of what the head of a file promises
CLOSE = 1e-4  # seconds by which a frame may be late and still be the one that is seen


class VideoFiles(Videos):
    """Videos in files, whose frames are resized as they are decoded.

    Args:
        paths: of the files.
        names: of the videos.
        labels: their classes.
        durations: of each in seconds, as `read_duration` tells them.
        frame_size: height and width of frames in pixels.
        in_memory: whether a video is decoded once and its resized frames are held.
    """

    def __init__(
        self,
        *,
        paths: Sequence[Path],
        names: Sequence[str],
        labels: Sequence[int],
        durations: Sequence[float],
        frame_size: tuple[int, int],
        in_memory: bool = False,
    ) -> None:
        self.paths, self.names, self.labels = tuple(paths), tuple(names), tuple(labels)
        self.frame_size = frame_size
        self.in_memory = in_memory
        self._durations = tuple(durations)
        self._kept: dict[int, _Frames] = {}

    def duration(self, index: int) -> float:
        return self._durations[index]

    def frames(self, index: int, times: NDArray[np.float64]) -> Tensor:
        if not self.in_memory:
            return _seen(self._decode(index, float(times[0]), float(times[-1])), times)
        if index not in self._kept:
            self._kept[index] = self._decode(index, 0.0, np.inf)
        return _seen(self._kept[index], times)

    def _decode(self, index: int, first: float, last: float) -> "_Frames":
        path = self.paths[index]
        moments, pictures = [], []
        for moment, frame in decode(path, first):
            if moment > last + CLOSE and moments:
                break
            if moments and moment <= first + CLOSE:  # the one before it is over by then
                moments.clear()
                pictures.clear()
            moments.append(moment)
            pictures.append(_resized(frame, self.frame_size))
        end = min(last, self._durations[index])
        if not moments or moments[-1] < end - TORN:
            reached = f"{moments[-1]:.2f} s" if moments else f"before {first:.2f} s"
            raise DataError([f"{path}: breaks off at {reached} of {self._durations[index]:.2f} s"])
        return _Frames(np.array(moments), np.stack(pictures))


class _Frames(NamedTuple):
    moments: NDArray[np.float64]  # [N], when each begins to be seen, in seconds
    pictures: NDArray[np.uint8]  # [N, height, width, 3]


def _seen(frames: _Frames, times: NDArray[np.float64]) -> Tensor:
    """Of each time the last frame that has begun; the first or last of all beyond them."""
    places = np.searchsorted(frames.moments, times + CLOSE, side="right") - 1
    chosen = frames.pictures[places.clip(0)]  # [F, height, width, 3]
    return torch.from_numpy(np.ascontiguousarray(chosen.transpose(0, 3, 1, 2)))


def usable_videos(
    paths: Sequence[Path], *, shortest: float, on_bad: Literal["error", "skip"]
) -> dict[Path, float]:
    """The videos that can be opened and are long enough, with their seconds.

    Args:
        paths: of the files.
        shortest: seconds that one lasts at least.
        on_bad: whether others are an `error`, or left out with a warning that counts them.

    Raises:
        DataError: there are others, and that is an error; it lists them all.
    """
    found, problems = {}, []
    for path in paths:
        try:
            seconds = read_duration(path)
        except DataError as error:
            problems += error.problems
            continue
        if seconds < shortest:
            problems.append(f"{path}: lasts {seconds:.2f} s, less than shortest={shortest}")
            continue
        found[path] = seconds
    if problems and on_bad == "error":
        raise DataError(problems, "data.source.on_bad=skip leaves them out")
    if problems:
        shown = "; ".join(problems[:3])
        log.warning("%d of %d videos are left out: %s", len(problems), len(paths), shown)
    return found


def read_duration(path: Path) -> float:
    """Seconds of a file, from its head.

    Raises:
        DataError: it is no video, or does not say how long it is.
    """
    with _Opened(path) as (container, stream):
        if stream.duration is not None:
            seconds = float(stream.duration * stream.time_base)
        elif container.duration is not None:
            seconds = container.duration / 1e6
        else:
            seconds = 0.0
        if seconds <= 0:
            raise DataError([f"{path}: has no frames, or does not say how long it is"])
        return seconds


def decode(path: Path, start: float) -> Iterator[tuple[float, Any]]:
    """Frames with the seconds after the first at which they are seen, from `start` or before it.

    Raises:
        DataError: it cannot be decoded.
    """
    with _Opened(path) as (container, stream):
        zero = float((stream.start_time or 0) * stream.time_base)
        if start > 0:
            container.seek(int((start + zero) / stream.time_base), stream=stream)
        for frame in container.decode(stream):
            if frame.time is not None:
                yield frame.time - zero, frame


class _Opened:
    """A file and its first video stream; what PyAV finds wrong names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> tuple[Any, Any]:
        av = _av()
        try:
            self.container = av.open(str(self.path))
        except (av.error.FFmpegError, OSError) as error:
            raise DataError([f"{self.path}: cannot be opened as a video: {error}"]) from error
        if not self.container.streams.video:
            self.container.close()
            raise DataError([f"{self.path}: has no pictures, only sound"])
        stream = self.container.streams.video[0]
        stream.thread_type = "NONE"  # of many small files, several at once are decoded by workers
        return self.container, stream

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.container.close()
        if isinstance(error, _av().error.FFmpegError):
            raise DataError([f"{self.path}: cannot be decoded: {error}"]) from error


@functools.cache
def _av() -> Any:
    try:
        import av
    except ImportError as error:
        message = "videos are decoded by PyAV, which is not installed: pip install 'seqlab[video]'"
        raise DataError([message]) from error
    av.logging.set_level(av.logging.FATAL)  # what is wrong comes as an error
    return av


def _resized(frame: Any, size: tuple[int, int]) -> NDArray[np.uint8]:
    height, width = size
    small = frame.reformat(width=width, height=height, format="rgb24", interpolation="BILINEAR")
    pixels: NDArray[np.uint8] = small.to_ndarray()
    return pixels
