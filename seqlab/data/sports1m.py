"""Sports-1M: lists of videos of the web, of which those are used that are here."""

import hashlib
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from seqlab.data.errors import DataError
from seqlab.data.text_files import plain_lines
from seqlab.data.video_files import ENDINGS, VideoFiles, usable_videos
from seqlab.data.video_sources import Videos, VideoSource

log = logging.getLogger(__name__)

LINE = re.compile(r"https?://(?:www\.)?youtube\.com/watch\?v=([\w-]+) (\d+(?:,\d+)*)")


class Listed(NamedTuple):
    """A video of an official list."""

    name: str  # its id at YouTube
    label: int


class Sports1M(VideoSource):
    """Sports-1M (Karpathy et al., 2014): 1,133,158 videos of 487 sports, by their addresses.

    `labels.txt` with a name in each line, `original/train_partition.txt` and `test_partition.txt`
    with lines `URL LABEL,LABEL`, and `videos/ID.mp4`, or another ending, as far as they are here.
    A video of several labels counts as one of its first, in training and when it is tested.

    Args:
        folder: of the data set.
        val_share: of the videos of train that validate, chosen by their ids, so that it does not
            matter which others are here; 0 for none.
        split_seed: what that choice is a function of.
        frame_size: height and width to which frames are resized, in pixels.
        shortest: seconds that a video lasts at least.
        on_bad: whether a video that is missing, cannot be read or is too short is an `error`, or
            left out with a warning that tells how many there are.
        in_memory: whether a video is decoded once and its resized frames are held.

    Raises:
        ValueError: the share is not from 0 to below 1.
    """

    def __init__(
        self,
        *,
        folder: str,
        val_share: float,
        split_seed: int,
        frame_size: tuple[int, int],
        shortest: float,
        on_bad: Literal["error", "skip"],
        in_memory: bool,
    ) -> None:
        if not 0 <= val_share < 1:
            raise ValueError(f"val_share is from 0 to below 1, not {val_share}")
        self.folder = Path(folder).expanduser()
        self.val_share = val_share
        self.split_seed = split_seed
        self.frame_size = (frame_size[0], frame_size[1])
        self.shortest = shortest
        self.on_bad = on_bad
        self.in_memory = in_memory
        self.classes = ()

    def read(self) -> dict[str, Videos]:
        listed = self.listed()
        files = self._files()
        every = [each.name for videos in listed.values() for each in videos]
        missing = [name for name in every if name not in files]
        if missing:
            shown = ", ".join(missing[:3])
            text = f"{self.folder / 'videos'}: {len(missing)} of {len(every)} videos are missing"
            if self.on_bad == "error":
                raise DataError(
                    [f"{text}, such as {shown}"], "data.source.on_bad=skip leaves them out"
                )
            log.warning("%s and left out, such as %s", text, shown)
        here = [files[name] for name in every if name in files]
        durations = usable_videos(here, shortest=self.shortest, on_bad=self.on_bad)
        held = {each.name for each in listed["train"] if self._validates(each.name)}
        parts = {
            "train": [each for each in listed["train"] if each.name not in held],
            "val": [each for each in listed["train"] if each.name in held],
            "test": listed["test"],
        }
        return {split: self._videos(part, files, durations) for split, part in parts.items()}

    def listed(self) -> dict[str, list[Listed]]:
        """The videos of `train` and `test`; what was listed before, test first, is left out.

        Raises:
            DataError: a list is missing or malformed; file and line are named.
        """
        problems: list[str] = []
        names = plain_lines(self.folder / "labels.txt", problems)
        self.classes = tuple(name.strip() for _, name in names if name is not None)
        if problems:
            raise DataError(problems)
        found: dict[str, list[Listed]] = {}
        seen: set[str] = set()
        repeated = 0
        for part in ("test", "train"):
            found[part] = []
            path = self.folder / "original" / f"{part}_partition.txt"
            for number, line in plain_lines(path, problems):
                if line is None:
                    continue
                each = self._listed(line.strip())
                if isinstance(each, str):
                    problems.append(f"{path}:{number}: {each}")
                elif each.name in seen:
                    repeated += 1
                else:
                    seen.add(each.name)
                    found[part].append(each)
        if problems:
            raise DataError(problems)
        if repeated:
            log.warning("%d videos are listed again: they count where they first are", repeated)
        return found

    def _listed(self, line: str) -> Listed | str:
        """The video of a line, or what is wrong with it."""
        match = LINE.fullmatch(line)
        if match is None:
            return f"is no https://www.youtube.com/watch?v=ID LABEL,LABEL: {line}"
        labels = [int(label) for label in match[2].split(",")]
        if max(labels) >= len(self.classes):
            return f"has the label {max(labels)}, but labels.txt {len(self.classes)} from 0 on"
        return Listed(match[1], labels[0])

    def _files(self) -> dict[str, Path]:
        """The videos that are here by their ids."""
        folder = self.folder / "videos"
        if not folder.is_dir():
            raise DataError([f"{folder}: there is no such folder"])
        return {path.stem: path for path in folder.iterdir() if path.suffix.lower() in ENDINGS}

    def _validates(self, name: str) -> bool:
        """Whether a video of train is held for validation."""
        digest = hashlib.sha256(f"{self.split_seed} {name}".encode()).digest()
        return int.from_bytes(digest[:6]) < self.val_share * 2**48

    def _videos(
        self, part: Sequence[Listed], files: dict[str, Path], durations: dict[Path, float]
    ) -> Videos:
        part = [each for each in part if files.get(each.name) in durations]
        paths = [files[each.name] for each in part]
        return VideoFiles(
            paths=paths,
            names=[each.name for each in part],
            labels=[each.label for each in part],
            durations=[durations[path] for path in paths],
            frame_size=self.frame_size,
            in_memory=self.in_memory,
        )
