"""Clips cut out of videos of any source, in batches."""

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import ConcatDataset, Dataset

from seqlab.data.batches import ClipBatch
from seqlab.data.clip_cutting import ClipCutter, SpreadClips, TrainingClips, collate
from seqlab.data.errors import DataError
from seqlab.data.images import verify
from seqlab.data.loading import ResumableLoader
from seqlab.data.plans import ByImage, Plan, Sequential
from seqlab.data.sources import SPLITS
from seqlab.data.spec import ClipSpec
from seqlab.data.video_files import VideoFiles, read_duration
from seqlab.data.video_sources import Videos, VideoSource

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
        self.cutter = ClipCutter(num_frames, frame_rate, (height, width), flip)
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
            num_frames=self.cutter.num_frames,
            frame_rate=self.cutter.frame_rate,
            height=self.cutter.crop[0],
            width=self.cutter.crop[1],
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
        data = TrainingClips(videos, self.cutter, self.seed)
        return ResumableLoader(data, plan, collate, num_workers=self.num_workers)

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
        data = self.all_clips(split, None)
        return self.load(data, Sequential(range(len(data)), batch_size=self.batch_size))

    def all_clips(self, split: str, overlap: int | None) -> SpreadClips:
        """Clips of all videos of a split in order, one behind the other.

        Args:
            split: `train`, `val` or `test`.
            overlap: frames that a clip shares with the next; None for `clips_per_video` of them,
                evenly spaced.
        """
        return self._spread(self._splits[split], overlap)

    def _spread(self, videos: Videos, overlap: int | None) -> SpreadClips:
        return SpreadClips(videos, self.cutter, self.clips_per_video, overlap)

    def load(self, clips: SpreadClips, plan: Plan) -> ResumableLoader:
        """Batches of clips as a plan has them."""
        return ResumableLoader(clips, plan, collate, num_workers=self.num_workers)

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
        data = self._spread(videos, None)
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


def _hash(splits: dict[str, Videos]) -> str:
    digest = hashlib.sha256()
    for name in SPLITS:
        for video, label in zip(splits[name].names, splits[name].labels, strict=True):
            digest.update(f"{name}\t{video}\t{label}\n".encode())
    return digest.hexdigest()
