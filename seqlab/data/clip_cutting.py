"""Where clips are cut out of videos."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from seqlab.data.batches import ClipBatch
from seqlab.data.video_sources import Videos, overlapping_starts, spread_starts


class Clip(NamedTuple):
    """A clip as the network gets it."""

    name: str
    pixels: Tensor  # [3, T, height, width]
    label: int
    video: int
    start: float  # in seconds


class ClipCutter(NamedTuple):
    """How large a clip is in time and space."""

    num_frames: int
    frame_rate: float  # frames a second
    crop: tuple[int, int]  # height and width
    flip: bool  # whether half of the training clips are mirrored left and right

    @property
    def seconds(self) -> float:
        """From the first frame of a clip to the end of its last."""
        return self.num_frames / self.frame_rate

    def cut(
        self, videos: Videos, index: int, start: float, chance: np.random.Generator | None
    ) -> Clip:
        """The clip of a video that begins after so many seconds.

        Args:
            videos: of a split.
            index: of the video.
            start: in seconds.
            chance: where in training the frames are cut, and whether they are mirrored; None in
                evaluation.
        """
        times = start + np.arange(self.num_frames) / self.frame_rate  # [T]
        frames = videos.frames(index, times)  # [T, 3, height, width]
        room = [frames.shape[2 + axis] - self.crop[axis] for axis in range(2)]
        if chance is None:
            top, left = (each // 2 for each in room)
        else:
            top, left = (int(chance.integers(each + 1)) for each in room)
        frames = frames[:, :, top : top + self.crop[0], left : left + self.crop[1]]
        if chance is not None and self.flip and chance.integers(2):
            frames = frames.flip(3)
        pixels = frames.transpose(0, 1).float() / 255  # [3, T, height, width]
        return Clip(videos.names[index], pixels, videos.labels[index], index, start)


class TrainingClips(Dataset[Clip]):
    """A clip from anywhere in each video, asked for by epoch and number.

    Args:
        videos: of the split.
        cutter: cuts them.
        seed: what the cuts are a function of.
    """

    def __init__(self, videos: Videos, cutter: ClipCutter, seed: int) -> None:
        self.videos, self.cutter, self.seed = videos, cutter, seed

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, key: tuple[int, int]) -> Clip:
        epoch, number = key
        chance = np.random.default_rng([self.seed, epoch, number])
        room = max(self.videos.duration(number) - self.cutter.seconds, 0.0)
        return self.cutter.cut(self.videos, number, float(chance.uniform(0, room)), chance)


class SpreadClips(Dataset[Clip]):
    """Evenly spaced clips of each video, asked for by epoch and number.

    Args:
        videos: of the split.
        cutter: cuts them.
        clips_per_video: that are cut where no overlap is given.
        overlap: frames that a clip shares with the next; None for `clips_per_video` of them.

    Attributes:
        places: video and start in seconds of each clip, in order.
    """

    def __init__(
        self, videos: Videos, cutter: ClipCutter, clips_per_video: int, overlap: int | None
    ) -> None:
        self.videos, self.cutter, self.clips_per_video = videos, cutter, clips_per_video
        self.places = [
            (index, start)
            for index in range(len(videos))
            for start in self._starts(videos.duration(index), overlap)
        ]

    def _starts(self, duration: float, overlap: int | None) -> Sequence[float]:
        cutter = self.cutter
        if overlap is None:
            return spread_starts(duration, cutter.seconds, self.clips_per_video)
        step = (cutter.num_frames - overlap) / cutter.frame_rate
        return overlapping_starts(duration, cutter.seconds, step)

    def known(self, video: int) -> dict[str, Any]:
        """Name and label of a video by its number."""
        return {"name": self.videos.names[video], "label": int(self.videos.labels[video])}

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, key: tuple[int, int]) -> Clip:
        index, start = self.places[key[1]]
        return self.cutter.cut(self.videos, index, start, None)


def collate(clips: Sequence[Clip]) -> ClipBatch:
    """A batch of clips of one size."""
    return ClipBatch(
        example_ids=tuple(clip.name for clip in clips),
        clips=torch.stack([clip.pixels for clip in clips]),
        labels=torch.tensor([clip.label for clip in clips]),
        videos=torch.tensor([clip.video for clip in clips]),
        starts=torch.tensor([clip.start for clip in clips]),
    )
