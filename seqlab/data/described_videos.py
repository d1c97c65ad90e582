"""MSVD and MSR-VTT, videos that people have described, in their customary layouts."""

import json
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from seqlab.data.caption_files import read_lines
from seqlab.data.errors import DataError
from seqlab.data.sources import SPLITS
from seqlab.data.video_caption_sources import VideoCaptionSource, VideoCaptionSplit
from seqlab.data.video_files import VideoFiles, usable_videos

MSVD_TRAIN, MSVD_VAL, MSVD_ALL = 1200, 1300, 1970  # the last numbers of the parts
_MSRVTT_SPLITS = {"train": "train", "validate": "val", "test": "test"}


class DescribedVideo(NamedTuple):
    """A video that a split names, and all that is said of it."""

    name: str
    path: Path
    captions: tuple[str, ...]


class DescribedVideos(VideoCaptionSource):
    """Videos in files, whose splits and captions stand in others.

    Args:
        folder: of the data set.
        frame_size: height and width to which frames are resized, in pixels.
        shortest: seconds that a video lasts at least.
        on_bad: whether a video that is not here, cannot be read or is too short is an `error`, or
            left out with a warning that tells how many there are.
        in_memory: whether a video is decoded once and its resized frames are held.
    """

    def __init__(
        self,
        *,
        folder: str,
        frame_size: tuple[int, int],
        shortest: float,
        on_bad: Literal["error", "skip"],
        in_memory: bool,
    ) -> None:
        self.folder = Path(folder).expanduser()
        self.frame_size = (frame_size[0], frame_size[1])
        self.shortest = shortest
        self.on_bad: Literal["error", "skip"] = on_bad
        self.in_memory = in_memory

    @abstractmethod
    def described(self, problems: list[str]) -> dict[str, list[DescribedVideo]]:
        """The videos of each split, as they are listed.

        Args:
            problems: what is wrong is added here, with file and line.
        """

    def read(self) -> dict[str, VideoCaptionSplit]:
        problems: list[str] = []
        described = self.described(problems)
        if problems:
            raise DataError(problems)
        paths = [video.path for split in SPLITS for video in described[split]]
        durations = usable_videos(paths, shortest=self.shortest, on_bad=self.on_bad)
        return {split: self._split(described[split], durations) for split in SPLITS}

    def _split(
        self, videos: Sequence[DescribedVideo], durations: Mapping[Path, float]
    ) -> VideoCaptionSplit:
        here = [video for video in videos if video.path in durations]
        files = VideoFiles(
            paths=[video.path for video in here],
            names=[video.name for video in here],
            labels=[0] * len(here),
            durations=[durations[video.path] for video in here],
            frame_size=self.frame_size,
            in_memory=self.in_memory,
        )
        return VideoCaptionSplit(files, tuple(video.captions for video in here))


class MSVD(DescribedVideos):
    """Microsoft's video descriptions (Chen and Dolan, 2011): 1,970 videos of one action each.

    `AllVideoDescriptions.txt` has lines `NAME a sentence`, `youtube_mapping.txt` lines `NAME vid7`,
    and `YouTubeClips` the files `NAME.avi`. The numbers are those of Venugopalan et al. (2015a), of
    which the first 1,200 are trained on, the next 100 validate, and 670 test.
    """

    def described(self, problems: list[str]) -> dict[str, list[DescribedVideo]]:
        captions = self._captions(problems)
        numbers = self._numbers(problems)
        for name in sorted(captions.keys() - numbers.keys()):
            problems.append(f"{self._mapping}: does not list {name}, which is described")
        found: dict[str, list[DescribedVideo]] = {split: [] for split in SPLITS}
        for name, number in sorted(numbers.items(), key=lambda item: item[1]):
            if name not in captions:
                problems.append(f"{self._mapping}: lists {name}, which has no description")
                continue
            split = "train" if number <= MSVD_TRAIN else "val" if number <= MSVD_VAL else "test"
            path = self.folder / "YouTubeClips" / f"{name}.avi"
            found[split].append(DescribedVideo(name, path, tuple(captions[name])))
        return found

    @property
    def _mapping(self) -> Path:
        return self.folder / "youtube_mapping.txt"

    def _captions(self, problems: list[str]) -> dict[str, list[str]]:
        captions: dict[str, list[str]] = {}
        for where, line in read_lines(self.folder / "AllVideoDescriptions.txt", problems):
            if line.startswith("#"):  # what the file says of itself
                continue
            name, _, text = line.strip().partition(" ")
            if text.strip():
                captions.setdefault(name, []).append(text.strip())
            else:
                problems.append(f"{where}: is no name and sentence: {line[:60]}")
        return captions

    def _numbers(self, problems: list[str]) -> dict[str, int]:
        numbers: dict[str, int] = {}
        first: dict[str, str] = {}
        for where, line in read_lines(self._mapping, problems):
            match = re.fullmatch(r"(\S+)\s+vid(\d+)", line.strip())
            if match is None or not 1 <= int(match[2]) <= MSVD_ALL:
                problems.append(f"{where}: is no NAME vid1 to vid{MSVD_ALL}: {line[:60]}")
                continue
            for twice in (match[1], f"vid{match[2]}"):
                if twice in first:
                    problems.append(f"{where}: {twice} is also at {first[twice]}")
                first.setdefault(twice, where)
            numbers[match[1]] = int(match[2])
        return numbers


class MSRVTT(DescribedVideos):
    """MSR-VTT (Xu et al., 2016): 10,000 videos of the web with twenty sentences each.

    Its JSON has `videos`, each with `video_id` and `split`, and `sentences`, each with `video_id`
    and `caption`. Of the videos 6,513 are trained on, 497 validate, and 2,990 test.

    Args:
        annotations: the JSON files below the folder; what one says of a video another may add to.
        videos: folders below the folder, of which one has the file `VIDEO_ID.mp4`.
        folder: of the data set.
        frame_size: height and width to which frames are resized, in pixels.
        shortest: seconds that a video lasts at least.
        on_bad: whether a video that is not here, cannot be read or is too short is an `error`, or
            left out with a warning that tells how many there are.
        in_memory: whether a video is decoded once and its resized frames are held.
    """

    def __init__(
        self,
        *,
        annotations: Sequence[str],
        videos: Sequence[str],
        folder: str,
        frame_size: tuple[int, int],
        shortest: float,
        on_bad: Literal["error", "skip"],
        in_memory: bool,
    ) -> None:
        super().__init__(
            folder=folder,
            frame_size=frame_size,
            shortest=shortest,
            on_bad=on_bad,
            in_memory=in_memory,
        )
        self.annotations = [self.folder / name for name in annotations]
        self.videos = [self.folder / name for name in videos]

    def described(self, problems: list[str]) -> dict[str, list[DescribedVideo]]:
        splits: dict[str, str] = {}
        captions: dict[str, list[str]] = {}
        for path in self.annotations:
            content = _read_json(path)
            for number, entry in enumerate(content["videos"]):
                try:
                    splits[entry["video_id"]] = _MSRVTT_SPLITS[entry["split"]]
                except (KeyError, TypeError) as error:
                    problems.append(
                        f"{path}: videos[{number}]: wants video_id and split "
                        f"({', '.join(_MSRVTT_SPLITS)}) ({error!r})"
                    )
            for number, entry in enumerate(content["sentences"]):
                try:
                    captions.setdefault(entry["video_id"], []).append(entry["caption"].strip())
                except (KeyError, TypeError, AttributeError) as error:
                    problems.append(
                        f"{path}: sentences[{number}]: wants video_id and caption ({error!r})"
                    )
        found: dict[str, list[DescribedVideo]] = {split: [] for split in SPLITS}
        for name, split in splits.items():
            if name not in captions:
                problems.append(f"{self.annotations[0].parent}: {name} has no sentence")
                continue
            found[split].append(DescribedVideo(name, self._file(name), tuple(captions[name])))
        return found

    def _file(self, name: str) -> Path:
        """Where a video is, or would be."""
        paths = [folder / f"{name}.mp4" for folder in self.videos]
        return next((path for path in paths if path.is_file()), paths[0])


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError([f"{path}: {error.strerror}"]) from error
    except ValueError as error:
        raise DataError([f"{path}: not JSON ({error})"]) from error
    parts = ("videos", "sentences")
    if not isinstance(content, dict) or not all(isinstance(content.get(p), list) for p in parts):
        raise DataError([f"{path}: not MSR-VTT's JSON, which has lists `videos` and `sentences`"])
    return content
