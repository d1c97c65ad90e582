"""Clips cut out of videos of any source, in batches."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import ConcatDataset, Dataset

from seqlab.data.batches import ClipBatch
from seqlab.data.errors import DataError
from seqlab.data.images import verify
from seqlab.data.loading import ResumableLoader
from seqlab.data.plans import ByImage, Plan, Sequential
from seqlab.data.sources import SPLITS
from seqlab.data.spec import ClipSpec
from seqlab.data.video_files import VideoFiles, read_duration
from seqlab.data.video_sources import Videos, VideoSource, overlapping_starts, spread_starts

log = logging.getLogger(__name__)


class ClipDataModule(LightningDataModule):
    """Batches of clips: one of each video in an epoch of training, several in evaluation.

    A clip is cut by time, so that videos of any frame rate agree.

    Args:
        source: reads the data set.
        num_frames: of a clip.
        frame_rate: of a clip, in frames a second.
        crop_size: height and width that are cut out of a frame, anywhere in training and in the
            middle else; None for whole frames.
        flip: whether half of the training clips are mirrored left and right.
        clips_per_video: in evaluation, evenly spaced.
        batch_size: clips per batch.
        num_workers: processes that load; 0 loads in the main one.
        seed: what order and cuts are a function of.

    Raises:
        ValueError: a crop is larger than the frames, or a number is not above 0.
    """

    batch_type: ClassVar = ClipBatch

    def __init__(
        self,
        *,
        source: VideoSource,
        num_frames: int,
        frame_rate: float,
        crop_size: tuple[int, int] | None,
        flip: bool,
        clips_per_video: int,
        batch_size: int,
        num_workers: int,
        seed: int,
    ) -> None:
        super().__init__()
        height, width = crop_size or source.frame_size
        if height > source.frame_size[0] or width > source.frame_size[1]:
            raise ValueError(
                f"crop_size={list(crop_size or ())} is larger than frames of "
                f"{list(source.frame_size)}"
            )
        if min(num_frames, frame_rate, clips_per_video, batch_size) <= 0:
            raise ValueError(
                "num_frames, frame_rate, clips_per_video and batch_size are above 0, not "
                f"{num_frames}, {frame_rate}, {clips_per_video} and {batch_size}"
            )
        self.source = source
        self.num_frames, self.frame_rate = num_frames, frame_rate
        self.crop = (height, width)
        self.flip = flip
        self.clips_per_video = clips_per_video
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        self._splits: dict[str, Videos] = {}
        self._spec: ClipSpec | None = None

    @property
    def spec(self) -> ClipSpec:
        """What the data says of itself, once it is set up."""
        if self._spec is None:
            raise RuntimeError("the data says what it is after setup()")
        return self._spec

    @property
    def clip_seconds(self) -> float:
        """From the first frame of a clip to the end of its last."""
        return self.num_frames / self.frame_rate

    def setup(self, stage: str | None = None) -> None:
        """Find the videos; once.

        Raises:
            DataError: files are missing or malformed, or there is no video.
        """
        if self._splits:
            return
        splits = self.source.read()
        if not any(map(len, splits.values())):
            raise DataError(["no video is here"], "is the data set complete?")
        self._splits = splits
        self._spec = ClipSpec(
            classes=tuple(self.source.classes),
            num_frames=self.num_frames,
            frame_rate=self.frame_rate,
            height=self.crop[0],
            width=self.crop[1],
            split_hash=_hash(splits),
        )

    def adopt(self, spec: ClipSpec) -> None:
        """Take what a checkpoint was trained with."""
        if not self._splits:
            raise RuntimeError("a spec is adopted after setup()")
        self._spec = spec

    def train_dataloader(self) -> ResumableLoader:
        """A clip from anywhere in each training video, in an order of chance.

        Raises:
            DataError: there is nothing to train on.
        """
        videos = self._splits["train"]
        if not len(videos):
            raise DataError(["no video of the training split is here"], "is the data set complete?")
        plan = ByImage(range(len(videos)), batch_size=self.batch_size, seed=self.seed)
        return ResumableLoader(
            TrainingClips(videos, self), plan, collate, num_workers=self.num_workers
        )

    def val_dataloader(self) -> ResumableLoader | list[ClipBatch]:
        """Evenly spaced clips of the validation videos."""
        return self.clips("val")

    def test_dataloader(self) -> ResumableLoader | list[ClipBatch]:
        """Evenly spaced clips of the test videos."""
        return self.clips("test")

    def clips(self, split: str) -> ResumableLoader | list[ClipBatch]:
        """Evenly spaced clips of all videos of a split in order; none, and a warning, of none."""
        videos = self._splits[split]
        if not len(videos):
            log.warning("the %s split has no video here, so nothing is measured on it", split)
            return []
        data = SpreadClips(videos, self)
        return self.load(data, Sequential(range(len(data)), batch_size=self.batch_size))

    def all_clips(self, split: str, overlap: int | None) -> "SpreadClips":
        """Clips of all videos of a split in order, one behind the other.

        Args:
            split: `train`, `val` or `test`.
            overlap: frames that a clip shares with the next; None for `clips_per_video` of them,
                evenly spaced.
        """
        return SpreadClips(self._splits[split], self, overlap)

    def load(self, clips: "SpreadClips", plan: Plan) -> ResumableLoader:
        """Batches of clips as a plan has them."""
        return ResumableLoader(clips, plan, collate, num_workers=self.num_workers)

    def cut(
        self, videos: Videos, index: int, start: float, chance: np.random.Generator | None
    ) -> "Clip":
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

    def open_video(self, path: Path) -> ClipBatch:
        """A file's clips as evaluation sees them; needs no setup.

        Raises:
            DataError: it cannot be decoded, or is too short.
        """
        videos = VideoFiles(
            paths=[path],
            names=[str(path)],
            labels=[0],
            durations=[read_duration(path)],
            frame_size=self.source.frame_size,
        )
        data = SpreadClips(videos, self)
        return collate([data[0, number] for number in range(len(data))])

    def check(self, on_progress: Callable[[int, int], None] | None = None) -> list[str]:
        """Problems that decoding every video to its end shows."""
        splits = self.source.read()
        return verify(ConcatDataset([_Whole(splits[name]) for name in SPLITS]), on_progress)


class _Whole(Dataset[Tensor]):
    """First and last frame of each video, for which all of it is decoded."""

    def __init__(self, videos: Videos) -> None:
        self.videos = videos

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, index: int) -> Tensor:
        return self.videos.frames(index, np.array([0.0, self.videos.duration(index)]))


class Clip(NamedTuple):
    """A clip as the network gets it."""

    name: str
    pixels: Tensor  # [3, T, height, width]
    label: int
    video: int
    start: float  # in seconds


class TrainingClips(Dataset[Clip]):
    """A clip from anywhere in each video, asked for by epoch and number.

    Args:
        videos: of the split.
        module: cuts them.
    """

    def __init__(self, videos: Videos, module: ClipDataModule) -> None:
        self.videos, self.module = videos, module

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, key: tuple[int, int]) -> Clip:
        epoch, number = key
        chance = np.random.default_rng([self.module.seed, epoch, number])
        room = max(self.videos.duration(number) - self.module.clip_seconds, 0.0)
        return self.module.cut(self.videos, number, float(chance.uniform(0, room)), chance)


class SpreadClips(Dataset[Clip]):
    """Evenly spaced clips of each video, asked for by epoch and number.

    Args:
        videos: of the split.
        module: cuts them.
        overlap: frames that a clip shares with the next; None for `module.clips_per_video` of them.

    Attributes:
        places: video and start in seconds of each clip, in order.
    """

    def __init__(self, videos: Videos, module: ClipDataModule, overlap: int | None = None) -> None:
        self.videos, self.module = videos, module
        self.places = [
            (index, start)
            for index in range(len(videos))
            for start in self._starts(videos.duration(index), overlap)
        ]

    def _starts(self, duration: float, overlap: int | None) -> Sequence[float]:
        module = self.module
        if overlap is None:
            return spread_starts(duration, module.clip_seconds, module.clips_per_video)
        step = (module.num_frames - overlap) / module.frame_rate
        return overlapping_starts(duration, module.clip_seconds, step)

    def known(self, video: int) -> dict[str, Any]:
        """Name and label of a video by its number."""
        return {"name": self.videos.names[video], "label": int(self.videos.labels[video])}

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, key: tuple[int, int]) -> Clip:
        index, start = self.places[key[1]]
        return self.module.cut(self.videos, index, start, None)


def collate(clips: Sequence[Clip]) -> ClipBatch:
    """A batch of clips of one size."""
    return ClipBatch(
        example_ids=tuple(clip.name for clip in clips),
        clips=torch.stack([clip.pixels for clip in clips]),
        labels=torch.tensor([clip.label for clip in clips]),
        videos=torch.tensor([clip.video for clip in clips]),
        starts=torch.tensor([clip.start for clip in clips]),
    )


def _hash(splits: dict[str, Videos]) -> str:
    digest = hashlib.sha256()
    for name in SPLITS:
        for video, label in zip(splits[name].names, splits[name].labels, strict=True):
            digest.update(f"{name}\t{video}\t{label}\n".encode())
    return digest.hexdigest()
