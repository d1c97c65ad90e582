"""A folder with a folder of videos for each class, split by chance."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from seqlab.data.class_folders import files_of_classes, refuse_shares, share_out
from seqlab.data.video_files import ENDINGS, VideoFiles, usable_videos
from seqlab.data.video_sources import Videos, VideoSource


class ClipFolder(VideoSource):
    """Videos `CLASS/NAME.mp4`, of each class the same shares in train, val and test.

    Args:
        folder: of the class folders.
        frame_size: height and width to which frames are resized, in pixels.
        shares: of train, val and test; they sum to 1.
        split_seed: what the split is a function of.
        shortest: seconds that a video lasts at least.
        on_bad: whether a video that cannot be read or is too short is an `error`, or left out with
            a warning that tells how many there are.
        in_memory: whether a video is decoded once and its resized frames are held.

    Raises:
        ValueError: the shares do not sum to 1.
    """

    def __init__(
        self,
        *,
        folder: str,
        frame_size: tuple[int, int],
        shares: Sequence[float],
        split_seed: int,
        shortest: float,
        on_bad: Literal["error", "skip"],
        in_memory: bool,
    ) -> None:
        refuse_shares(shares)
        self.folder = Path(folder).expanduser()
        self.frame_size = (frame_size[0], frame_size[1])
        self.shares = tuple(shares)
        self.split_seed = split_seed
        self.shortest = shortest
        self.on_bad = on_bad
        self.in_memory = in_memory
        self.classes = ()

    def read(self) -> dict[str, Videos]:
        found = files_of_classes(self.folder, ENDINGS, "videos")
        self.classes = tuple(found)
        every = [path for files in found.values() for path in files]
        good = usable_videos(every, shortest=self.shortest, on_bad=self.on_bad)
        left = {name: [path for path in files if path in good] for name, files in found.items()}
        parts = share_out(left, self.shares, self.split_seed)
        return {split: self._videos(part, good) for split, part in parts.items()}

    def _videos(self, part: Sequence[tuple[Path, int]], durations: Mapping[Path, float]) -> Videos:
        return VideoFiles(
            paths=[path for path, _ in part],
            names=[path.relative_to(self.folder).as_posix() for path, _ in part],
            labels=[label for _, label in part],
            durations=[durations[path] for path, _ in part],
            frame_size=self.frame_size,
            in_memory=self.in_memory,
        )
