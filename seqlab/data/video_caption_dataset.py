"""Captioned videos one by one, and how they become a batch."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from seqlab.data.batches import VideoCaptionBatch
from seqlab.data.caption_dataset import pad_rows
from seqlab.data.spec import VideoCaptionSpec
from seqlab.data.video_caption_sources import VideoCaptionSplit
from seqlab.data.vocabulary import Vocabulary, tokenise


class CaptionedVideo(NamedTuple):
    """A video as the network gets it, and captions of it."""

    name: str
    frames: Tensor  # [F, 3, height, width] in [0, 1]
    tokens: tuple[tuple[int, ...], ...]  # start, words, end of each caption
    references: tuple[str, ...]  # all its captions
    telling: Tensor | None  # [F]


class VideoCaptionDataset(Dataset[CaptionedVideo]):
    """The videos of a split with their captions, asked for by epoch and index.

    Args:
        split: videos and captions.
        vocabulary: numbers for words.
        times_of: when the frames are seen that are taken of a video, [F], of its seconds.
        max_words: captions with more words are left out, though they stay references, and with
            them videos that have no others; None for all.
        num_captions: how many captions of a video are drawn, anew in every epoch; None for all.
        seed: what is drawn is a function of, together with the epoch and the video.
    """

    def __init__(
        self,
        split: VideoCaptionSplit,
        vocabulary: Vocabulary,
        times_of: Callable[[float], NDArray[np.float64]],
        *,
        max_words: int | None,
        num_captions: int | None,
        seed: int,
    ) -> None:
        self.split = split
        self.times_of = times_of
        self.num_captions = num_captions
        self.seed = seed
        self.numbers: list[int] = []  # of the videos
        self._tokens: list[tuple[tuple[int, ...], ...]] = []
        for number, captions in enumerate(split.captions):
            worded = [tokenise(caption) for caption in captions]
            kept = [words for words in worded if max_words is None or len(words) <= max_words]
            if kept:
                self.numbers.append(number)
                self._tokens.append(tuple(_framed(vocabulary.encode(words)) for words in kept))

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, key: tuple[int, int]) -> CaptionedVideo:
        epoch, index = key
        number, tokens = self.numbers[index], self._tokens[index]
        if self.num_captions is not None and len(tokens) > self.num_captions:
            chance = np.random.default_rng([self.seed, epoch, number])
            chosen = chance.choice(len(tokens), self.num_captions, replace=False)
            tokens = tuple(tokens[caption] for caption in chosen)
        videos, telling = self.split.videos, self.split.telling
        times = self.times_of(videos.duration(number))  # [F]
        return CaptionedVideo(
            videos.names[number],
            videos.frames(number, times).float() / 255,
            tokens,
            self.split.captions[number],
            None if telling is None else torch.from_numpy(telling(number, times)),
        )


def _framed(words: Sequence[int]) -> tuple[int, ...]:
    """The numbers of a caption between start and end."""
    return (VideoCaptionSpec.start_id, *words, VideoCaptionSpec.end_id)


def collate(videos: Sequence[CaptionedVideo]) -> VideoCaptionBatch:
    """A batch; each video stands in it once, frames are added to those that have fewer."""
    counts = [len(video.frames) for video in videos]
    frames = torch.zeros(len(videos), max(counts), *videos[0].frames.shape[1:])
    telling = torch.zeros(len(videos), max(counts), dtype=torch.bool)
    for row, video in enumerate(videos):
        frames[row, : counts[row]] = video.frames
        if video.telling is not None:
            telling[row, : counts[row]] = video.telling
    tokens = [caption for video in videos for caption in video.tokens]
    index = [row for row, video in enumerate(videos) for _ in video.tokens]
    return VideoCaptionBatch(
        example_ids=tuple(video.name for video in videos),
        frames=frames,
        frame_counts=torch.tensor(counts),
        video_index=torch.tensor(index),
        tokens=pad_rows(tokens, VideoCaptionSpec.pad_id),
        lengths=torch.tensor([len(caption) - 1 for caption in tokens]),
        references=tuple(video.references for video in videos),
        telling=None if videos[0].telling is None else telling,
    )
