"""Captions of images one by one, and how they become a batch."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from seqlab.data.batches import CaptionBatch
from seqlab.data.feature_cache import KeptFeatures
from seqlab.data.sources import CaptionSplit
from seqlab.data.spec import CaptionSpec
from seqlab.data.vocabulary import Vocabulary, tokenise

Key = tuple[int, int]  # epoch and index of a caption


class Picture(NamedTuple):
    """An image as the network gets it, or what is kept of it."""

    number: int  # in its split
    image_id: str
    image: Tensor | None  # [3, height, width]
    features: Tensor | None  # [D, h, w]
    labels: Tensor | None  # [height, width], n + 1 where object n is seen
    references: tuple[str, ...]


class Example(NamedTuple):
    """A caption and its image."""

    picture: Picture  # the same object for all captions of an image that were asked for together
    tokens: tuple[int, ...]  # start, words, end
    objects: tuple[int, ...] | None  # as long as the tokens


class CaptionDataset(Dataset[Example]):
    """The captions of a split, asked for by epoch and index.

    Args:
        split: images and captions.
        vocabulary: numbers for words.
        prepare: makes the picture of bytes [3, height, width], an epoch and the image's number.
        prepare_labels: cuts a label map as an image that no chance changes.
        max_words: captions with more words are left out, though they stay references; None for all.
    """

    def __init__(
        self,
        split: CaptionSplit,
        vocabulary: Vocabulary,
        prepare: Callable[[Tensor, int, int], Tensor],
        prepare_labels: Callable[[Tensor], Tensor],
        max_words: int | None = None,
    ) -> None:
        self.split = split
        self.prepare = prepare
        self.prepare_labels = prepare_labels
        self.features: KeptFeatures | None = None
        self.image_index: list[int] = []
        self.tokens: list[tuple[int, ...]] = []
        self._captions: list[tuple[int, int]] = []  # image and which of its captions
        for number, example in enumerate(split.examples):
            for caption, text in enumerate(example.captions):
                words = tokenise(text)
                if max_words is not None and len(words) > max_words:
                    continue
                ids = (CaptionSpec.start_id, *vocabulary.encode(words), CaptionSpec.end_id)
                self.image_index.append(number)
                self.tokens.append(ids)
                self._captions.append((number, caption))

    def __len__(self) -> int:
        return len(self.tokens)

    def lengths(self) -> list[int]:
        """Words and end of each caption."""
        return [len(tokens) - 1 for tokens in self.tokens]

    def picture(self, epoch: int, number: int) -> Picture:
        """An image by its number in the split."""
        example = self.split.examples[number]
        labels = self.split.images.labels(number)
        image = features = None
        if self.features is None:
            image = self.prepare(self.split.images[number], epoch, number)
        else:
            features = self.features[number]
        if labels is not None:
            labels = self.prepare_labels(labels)
        return Picture(number, example.image_id, image, features, labels, example.captions)

    def __getitem__(self, key: Key) -> Example:
        return self.__getitems__([key])[0]

    def __getitems__(self, keys: Sequence[Key]) -> list[Example]:
        """A whole batch at once, which torch's loader asks for: each image is read only once."""
        pictures: dict[Key, Picture] = {}
        examples = []
        for epoch, index in keys:
            number, caption = self._captions[index]
            if (epoch, number) not in pictures:
                pictures[epoch, number] = self.picture(epoch, number)
            objects = self.split.examples[number].objects
            # The start and the end name nothing.
            named = None if objects is None else (-1, *objects[caption], -1)
            examples.append(Example(pictures[epoch, number], self.tokens[index], named))
        return examples


def collate(examples: Sequence[Example]) -> CaptionBatch:
    """A batch; each image stands in it once."""
    rows: dict[int, int] = {}
    pictures: list[Picture] = []
    for example in examples:
        if example.picture.number not in rows:
            rows[example.picture.number] = len(pictures)
            pictures.append(example.picture)
    images = [picture.image for picture in pictures if picture.image is not None]
    features = [picture.features for picture in pictures if picture.features is not None]
    labels = [picture.labels for picture in pictures if picture.labels is not None]
    objects = [example.objects for example in examples if example.objects is not None]
    return CaptionBatch(
        image_ids=tuple(picture.image_id for picture in pictures),
        images=torch.stack(images) if images else None,
        features=torch.stack(features) if features else None,
        image_index=torch.tensor([rows[example.picture.number] for example in examples]),
        tokens=pad_rows([example.tokens for example in examples], CaptionSpec.pad_id),
        lengths=torch.tensor([len(example.tokens) - 1 for example in examples]),
        references=tuple(picture.references for picture in pictures),
        objects=pad_rows(objects, -1) if objects else None,
        masks=_masks(torch.stack(labels)) if labels else None,
    )


def pad_rows(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    """Rows of numbers as one tensor [B, T], the shorter ones filled up with a value."""
    padded = np.full((len(rows), max(map(len, rows))), value, np.int64)
    for row, values in zip(padded, rows, strict=True):
        row[: len(values)] = values
    return torch.from_numpy(padded)


def _masks(labels: Tensor) -> Tensor:
    """Masks [I, objects, height, width] of label maps [I, height, width]."""
    numbers = torch.arange(1, int(labels.max()) + 1, dtype=labels.dtype).view(1, -1, 1, 1)
    return labels.unsqueeze(1) == numbers
