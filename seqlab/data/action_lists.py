"""UCF101 and HMDB51 in their official layouts and splits."""

import re
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from seqlab.data.errors import DataError
from seqlab.data.video_files import VideoFiles, usable_videos
from seqlab.data.video_sources import Videos, VideoSource


class Listed(NamedTuple):
    """A video of an official list."""

    path: Path
    name: str  # CLASS/FILE
    group: str  # what it was cut out of, with others of the same scene


class ListedVideos(VideoSource):
    """Videos with official lists of train and test; of train, whole groups are held for validation.

    Args:
        folder: of the data set.
        split: 1, 2 or 3.
        val_share: of the groups of train that validate, in each class; 0 for none.
        frame_size: height and width to which frames are resized, in pixels.
        shortest: seconds that a video lasts at least.
        on_bad: whether a video that cannot be read or is too short is an `error`, or left out with
            a warning that tells how many there are.
        in_memory: whether a video is decoded once and its resized frames are held.

    Raises:
        ValueError: there is no such split, or the share is not from 0 to below 1.
    """

    def __init__(
        self,
        *,
        folder: str,
        split: int,
        val_share: float,
        frame_size: tuple[int, int],
        shortest: float,
        on_bad: Literal["error", "skip"],
        in_memory: bool,
    ) -> None:
        if split not in (1, 2, 3) or not 0 <= val_share < 1:
            raise ValueError(
                f"split is 1, 2 or 3 and val_share from 0 to below 1, not {split} and {val_share}"
            )
        self.folder = Path(folder).expanduser()
        self.split = split
        self.val_share = val_share
        self.frame_size = (frame_size[0], frame_size[1])
        self.shortest = shortest
        self.on_bad = on_bad
        self.in_memory = in_memory
        self.classes = ()

    @abstractmethod
    def listed(self) -> dict[str, dict[str, list[Listed]]]:
        """The videos of `train` and `test` by the names of their classes, as they are listed.

        Raises:
            DataError: a list is missing or malformed; file and line are named.
        """

    def read(self) -> dict[str, Videos]:
        listed = self.listed()
        self.classes = tuple(sorted(listed["train"]))
        parts: dict[str, list[tuple[Listed, int]]] = {"train": [], "val": [], "test": []}
        for label, name in enumerate(self.classes):
            held = self._held(listed["train"][name])
            for each in listed["train"][name]:
                parts["val" if each.group in held else "train"].append((each, label))
            parts["test"] += [(each, label) for each in listed["test"].get(name, [])]
        every = [each.path for part in parts.values() for each, _ in part]
        durations = usable_videos(every, shortest=self.shortest, on_bad=self.on_bad)
        return {split: self._videos(part, durations) for split, part in parts.items()}

    def _held(self, videos: Sequence[Listed]) -> set[str]:
        """The last groups of a class, by name, as many as the share asks for."""
        groups = sorted({each.group for each in videos})
        count = round(self.val_share * len(groups))
        return set(groups[len(groups) - count :])

    def _videos(self, part: Sequence[tuple[Listed, int]], durations: dict[Path, float]) -> Videos:
        part = [(each, label) for each, label in part if each.path in durations]
        return VideoFiles(
            paths=[each.path for each, _ in part],
            names=[each.name for each, _ in part],
            labels=[label for _, label in part],
            durations=[durations[each.path] for each, _ in part],
            frame_size=self.frame_size,
            in_memory=self.in_memory,
        )


class UCF101(ListedVideos):
    """UCF101 (Soomro et al., 2012): 13,320 videos of 101 actions, 25 groups in each.

    `UCF-101/CLASS/v_CLASS_g01_c01.avi`, and the lists in `ucfTrainTestlist`.
    """

    def listed(self) -> dict[str, dict[str, list[Listed]]]:
        found: dict[str, dict[str, list[Listed]]] = {"train": {}, "test": {}}
        problems = []
        for part, videos in found.items():
            path = self.folder / "ucfTrainTestlist" / f"{part}list{self.split:02d}.txt"
            for number, line in enumerate(_lines(path), start=1):
                match = re.fullmatch(r"(\w+)/(v_\w+_(g\d+)_c\d+\.avi)(?: \d+)?", line)
                if match is None:
                    problems.append(f"{path}:{number}: is no CLASS/v_CLASS_g01_c01.avi: {line}")
                    continue
                name, file, group = match.groups()
                video = self.folder / "UCF-101" / name / file
                videos.setdefault(name, []).append(Listed(video, f"{name}/{file}", group))
        if problems:
            raise DataError(problems)
        return found


class HMDB51(ListedVideos):
    """HMDB51 (Kuehne et al., 2011): 6,766 videos of 51 actions, 70 and 30 a class and split.

    `hmdb51_org/CLASS/NAME.avi`, and a list of each class in `testTrainMulti_7030_splits`. What
    stands before the class in a name tells the film it is from.
    """

    def listed(self) -> dict[str, dict[str, list[Listed]]]:
        found: dict[str, dict[str, list[Listed]]] = {"train": {}, "test": {}}
        lists = self.folder / "testTrainMulti_7030_splits"
        ending = f"_test_split{self.split}.txt"
        paths = sorted(lists.glob(f"*{ending}"))
        if not paths:
            raise DataError([f"{lists}: has no list CLASS{ending}"])
        problems = []
        for path in paths:
            name = path.name.removesuffix(ending)
            for number, line in enumerate(_lines(path), start=1):
                file, _, use = line.rpartition(" ")
                if not file.endswith(".avi") or use not in ("0", "1", "2"):
                    problems.append(f"{path}:{number}: is no NAME.avi and 0, 1 or 2: {line}")
                    continue
                if use == "0":  # neither of train nor of test
                    continue
                video = Listed(
                    self.folder / "hmdb51_org" / name / file,
                    f"{name}/{file}",
                    file.partition(f"_{name}_")[0],
                )
                found["train" if use == "1" else "test"].setdefault(name, []).append(video)
        if problems:
            raise DataError(problems)
        return found


def _lines(path: Path) -> list[str]:
    """The lines of a list, without blanks around them."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError([f"{path}: cannot be read: {error}"]) from error
    return [line.strip() for line in text.rstrip().splitlines()]
