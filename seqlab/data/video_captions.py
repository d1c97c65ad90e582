"""Captioned videos of any source, in batches."""

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
from lightning import LightningDataModule
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import ConcatDataset, Dataset

from seqlab.data.batches import VideoCaptionBatch
from seqlab.data.errors import DataError
from seqlab.data.images import verify
from seqlab.data.loading import ResumableLoader
from seqlab.data.plans import ByImage, Sequential
from seqlab.data.sources import SPLITS
from seqlab.data.spec import VideoCaptionSpec
from seqlab.data.video_caption_dataset import VideoCaptionDataset, collate
from seqlab.data.video_caption_sources import VideoCaptionSource, VideoCaptionSplit
from seqlab.data.video_files import VideoFiles, read_duration
from seqlab.data.video_sources import Videos
from seqlab.data.vocabulary import Vocabulary, tokenise

log = logging.getLogger(__name__)


class VideoCaptionDataModule(LightningDataModule):
    """Batches of videos, each as frames that are evenly spaced in time, and their captions.

    Args:
        source: reads the data set.
        max_frames: that are taken of a video.
        frame_rate: frames a second that are taken of a video in which these are no more than
            `max_frames`; None for `max_frames` of every video.
        min_count: how often the training captions use a word at least for it to be known.
        max_words: longer captions are not trained on, though scored against; None for no limit.
        captions_per_video: drawn of each video in an epoch of training; None for all.
        batch_size: videos per batch.
        num_workers: processes that load; 0 loads in the main one.
        seed: what order and drawn captions are a function of.

    Raises:
        ValueError: a number is not above 0.
    """

    batch_type: ClassVar = VideoCaptionBatch

    def __init__(
        self,
        *,
        source: VideoCaptionSource,
        max_frames: int,
        frame_rate: float | None,
        min_count: int,
        max_words: int | None,
        captions_per_video: int | None,
        batch_size: int,
        num_workers: int,
        seed: int,
    ) -> None:
        super().__init__()
        given = {
            "max_frames": max_frames,
            "frame_rate": frame_rate,
            "captions_per_video": captions_per_video,
            "batch_size": batch_size,
        }
        for name, number in given.items():
            if number is not None and number <= 0:
                raise ValueError(f"{name} is above 0, not {number}")
        self.source = source
        self.max_frames, self.frame_rate = max_frames, frame_rate
        self.min_count, self.max_words = min_count, max_words
        self.captions_per_video = captions_per_video
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        self._splits: dict[str, VideoCaptionSplit] = {}
        self._datasets: dict[str, VideoCaptionDataset] = {}
        self._spec: VideoCaptionSpec | None = None

    @property
    def spec(self) -> VideoCaptionSpec:
        """What the data says of itself, once it is set up."""
        if self._spec is None:
            raise RuntimeError("the data says what it is after setup()")
        return self._spec

    def setup(self, stage: str | None = None) -> None:
        """Read the data set, once.

        Raises:
            DataError: files are missing or malformed, or there is nothing to train on.
        """
        if self._splits:
            return
        splits = self.source.read()
        captions = [tokenise(text) for each in splits["train"].captions for text in each]
        limit = self.max_words
        trained = [words for words in captions if limit is None or len(words) <= limit]
        if not trained:
            raise DataError(
                ["no caption of the training split is left"], "is the data set complete?"
            )
        self._splits = splits
        height, width = self.source.frame_size
        self.adopt(
            VideoCaptionSpec(
                words=Vocabulary.of(trained, min_count=self.min_count).words,
                max_frames=self.max_frames,
                height=height,
                width=width,
                max_length=max(map(len, trained)) + 1,
                split_hash=_hash(splits),
            )
        )

    def adopt(self, spec: VideoCaptionSpec) -> None:
        """Number the words as the spec of a checkpoint does, once the data is set up."""
        if not self._splits:
            raise RuntimeError("a spec is adopted after setup()")
        vocabulary = Vocabulary(spec.words)
        for name, split in self._splits.items():
            training = name == "train"
            self._datasets[name] = VideoCaptionDataset(
                split,
                vocabulary,
                self.times,
                max_words=self.max_words if training else None,
                num_captions=self.captions_per_video if training else None,
                seed=self.seed,
            )
        self._spec = spec

    def times(self, duration: float) -> NDArray[np.float64]:
        """When the frames are seen that are taken of a video of so many seconds, [F].

        They are the middles of equal parts of it.
        """
        count = self.max_frames
        if self.frame_rate is not None:
            count = min(count, max(1, round(duration * self.frame_rate)))
        return (np.arange(count) + 0.5) * duration / count

    def train_dataloader(self) -> ResumableLoader:
        """Training videos in an order of chance."""
        data = self._datasets["train"]
        plan = ByImage(range(len(data)), batch_size=self.batch_size, seed=self.seed)
        return ResumableLoader(data, plan, collate, num_workers=self.num_workers)

    def val_dataloader(self) -> ResumableLoader | list[VideoCaptionBatch]:
        """Validation videos in order; none, and a warning, where there is no video."""
        return self._evaluation_loader("val")

    def test_dataloader(self) -> ResumableLoader | list[VideoCaptionBatch]:
        """Test videos in order; none, and a warning, where there is no video."""
        return self._evaluation_loader("test")

    def _evaluation_loader(self, split: str) -> ResumableLoader | list[VideoCaptionBatch]:
        data = self._datasets[split]
        if not len(data):
            log.warning("the %s split has no video here, so nothing is measured on it", split)
            return []
        plan = Sequential(range(len(data)), batch_size=self.batch_size)
        return ResumableLoader(data, plan, collate, num_workers=self.num_workers)

    def open_video(self, path: Path) -> tuple[Tensor, float]:
        """A file's frames as evaluation sees them, [F, 3, height, width], and its seconds.

        Needs no setup.

        Raises:
            DataError: it cannot be decoded.
        """
        videos = VideoFiles(
            paths=[path],
            names=[str(path)],
            labels=[0],
            durations=[read_duration(path)],
            frame_size=self.source.frame_size,
        )
        return _Seen(videos, self)[0], videos.duration(0)

    def check(self, on_progress: Callable[[int, int], None] | None = None) -> list[str]:
        """Problems that decoding the frames of every video shows."""
        splits = self.source.read()
        return verify(ConcatDataset([_Seen(splits[s].videos, self) for s in SPLITS]), on_progress)


class _Seen(Dataset[Tensor]):
    """The frames that are taken of each video, [F, 3, height, width] in [0, 1]."""

    def __init__(self, videos: Videos, module: VideoCaptionDataModule) -> None:
        self.videos, self.module = videos, module

    def __len__(self) -> int:
        return len(self.videos)

    def __getitem__(self, index: int) -> Tensor:
        times = self.module.times(self.videos.duration(index))  # [F]
        return self.videos.frames(index, times).float() / 255


def _hash(splits: dict[str, VideoCaptionSplit]) -> str:
    digest = hashlib.sha256()
    for split in SPLITS:
        for name, captions in zip(splits[split].videos.names, splits[split].captions, strict=True):
            digest.update("\t".join((split, name, *captions)).encode() + b"\n")
    return digest.hexdigest()
