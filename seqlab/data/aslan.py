"""ASLAN: pairs of videos that show the same action or not."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqlab.data.errors import DataError
from seqlab.data.matlab_files import UNREADABLE, read_variable
from seqlab.data.video_files import ENDINGS, VideoFiles, usable_videos
from seqlab.data.video_sources import Pair, Videos, VideoSource

VARIABLE = "action_splits_pairs"
COLUMNS = 5  # ids of two samples, 1 where they are the same action, numbers of their actions


class ASLAN(VideoSource):
    """Action Similarity Labeling (Kliper-Gross et al., 2012): 6,000 pairs in ten folds.

    The samples of its second view, which is the one that results are of: `View2.mat` has a matrix
    `action_splits_pairs` of pairs x 5 x folds, and a folder the samples, whose names end in their
    four digits. No video is there to train on: all are of the split `test` and of one class, and
    what is asked about them is `pairs`.

    Args:
        folder: of the data set.
        videos: folder of the samples in it.
        frame_size: height and width to which frames are resized, in pixels.
        shortest: seconds that a video lasts at least.
        on_bad: whether a video that is missing, cannot be read or is too short is an `error`, or
            left out, with its pairs and a warning that tells how many there are.
        in_memory: whether a video is decoded once and its resized frames are held.
    """

    def __init__(
        self,
        *,
        folder: str,
        videos: str,
        frame_size: tuple[int, int],
        shortest: float,
        on_bad: Literal["error", "skip"],
        in_memory: bool,
    ) -> None:
        self.folder = Path(folder).expanduser()
        self.videos = self.folder / videos
        self.frame_size = (frame_size[0], frame_size[1])
        self.shortest = shortest
        self.on_bad = on_bad
        self.in_memory = in_memory
        self.classes = ("video",)

    def read(self) -> dict[str, Videos]:
        listed = read_pairs(self.folder / "View2.mat")
        files = self._files()
        names = sorted({name for pair in listed for name in (pair.first, pair.second)})
        paths = [files.get(name, self.videos / f"{name}.avi") for name in names]
        durations = usable_videos(paths, shortest=self.shortest, on_bad=self.on_bad)
        known = {name: path for name, path in zip(names, paths, strict=True) if path in durations}
        self.pairs = tuple(p for p in listed if p.first in known and p.second in known)
        videos = VideoFiles(
            paths=list(known.values()),
            names=list(known),
            labels=[0] * len(known),
            durations=[durations[path] for path in known.values()],
            frame_size=self.frame_size,
            in_memory=self.in_memory,
        )
        return {"train": self._none(), "val": self._none(), "test": videos}

    def _files(self) -> dict[str, Path]:
        """The videos by their four digits."""
        if not self.videos.is_dir():
            raise DataError([f"{self.videos}: there is no such folder"])
        found: dict[str, Path] = {}
        problems = []
        for path in sorted(self.videos.iterdir()):
            match = re.search(r"(?<!\d)\d{4}$", path.stem)
            if match is None or path.suffix.lower() not in ENDINGS:
                continue
            if match[0] in found:
                problems.append(f"{path}: has the digits of {found[match[0]].name} too")
            found[match[0]] = path
        if problems:
            raise DataError(problems)
        return found

    def _none(self) -> Videos:
        return VideoFiles(paths=[], names=[], labels=[], durations=[], frame_size=self.frame_size)


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of the folds 1, 2, ... in order.

    Raises:
        DataError: it cannot be read or is malformed; pair and fold are named.
    """
    numbers = _matrix(path)  # [pairs, 5, folds]
    pairs, problems = [], []
    for fold, rows in enumerate(np.moveaxis(numbers, 2, 0), start=1):
        for at, row in enumerate(rows, start=1):
            if problem := _problem(row):
                problems.append(f"{path}: pair {at} of fold {fold} {problem}")
                continue
            first, second = (f"{int(number):04d}" for number in row[:2])
            pairs.append(Pair(first, second, bool(row[2]), fold))
    if problems:
        raise DataError(problems)
    return pairs


def _matrix(path: Path) -> NDArray[np.float64]:
    try:
        numbers = np.asarray(read_variable(path, VARIABLE), np.float64)
    except UNREADABLE as error:
        raise DataError([f"{path}: no {VARIABLE} can be read of it ({error})"]) from error
    if numbers.ndim != 3 or numbers.shape[1] != COLUMNS or numbers.shape[2] < 2:
        shape = " x ".join(map(str, numbers.shape))
        raise DataError([f"{path}: {VARIABLE} is {shape}, not pairs x {COLUMNS} x folds"])
    return numbers


def _problem(row: Sequence[float]) -> str:
    """What is wrong with the five numbers of a pair."""
    first, second, same = row[:3]
    if not all(float(number).is_integer() and 1 <= number <= 9999 for number in (first, second)):
        return f"is of the samples {first:g} and {second:g}, not of two from 1 to 9999"
    if same not in (0, 1):
        return f"is the same by {same:g}, not 0 or 1"
    return ""
