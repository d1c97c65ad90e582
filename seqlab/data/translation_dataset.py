"""Pairs of sentences one by one, and how they become a batch."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from seqlab.data.batches import TranslationBatch
from seqlab.data.parallel_text import SentencePair
from seqlab.data.spec import TranslationSpec

Key = tuple[int, int]  # epoch and index of a pair


class CodedPair(NamedTuple):
    """A pair of sentences and its numbers."""

    pair: SentencePair
    source: tuple[int, ...]  # words, end
    target: tuple[int, ...]  # start, words, end


class TranslationDataset(Dataset[CodedPair]):
    """The pairs of a split, asked for by epoch and index; nothing here depends on the epoch.

    Args:
        pairs: as they were read.
        source_ids: of the source of each pair, without start and end.
        target_ids: of its target.
    """

    def __init__(
        self,
        pairs: Sequence[SentencePair],
        source_ids: Sequence[Sequence[int]],
        target_ids: Sequence[Sequence[int]],
    ) -> None:
        start, end = TranslationSpec.start_id, TranslationSpec.end_id
        self.examples = [
            CodedPair(pair, (*source, end), (start, *target, end))
            for pair, source, target in zip(pairs, source_ids, target_ids, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.examples)

    def source_lengths(self) -> list[int]:
        """Tokens and end of each source."""
        return [len(example.source) for example in self.examples]

    def target_lengths(self) -> list[int]:
        """Tokens and end of each target."""
        return [len(example.target) - 1 for example in self.examples]

    def __getitem__(self, key: Key) -> CodedPair:
        _, index = key
        return self.examples[index]


def collate(examples: Sequence[CodedPair]) -> TranslationBatch:
    """A batch."""
    return TranslationBatch(
        example_ids=tuple(example.pair.example_id for example in examples),
        source=_pad([example.source for example in examples]),
        source_lengths=torch.tensor([len(example.source) for example in examples]),
        tokens=_pad([example.target for example in examples]),
        lengths=torch.tensor([len(example.target) - 1 for example in examples]),
        source_texts=tuple(example.pair.source for example in examples),
        references=tuple((example.pair.target,) for example in examples),
    )


def _pad(rows: Sequence[Sequence[int]]) -> Tensor:
    padded = np.full((len(rows), max(map(len, rows))), TranslationSpec.pad_id, np.int64)
    for row, values in zip(padded, rows, strict=True):
        row[: len(values)] = values
    return torch.from_numpy(padded)
