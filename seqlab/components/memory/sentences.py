"""What a sentence encoding is: one vector of a sentence's words, in several tables at once."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

INITIAL_DEVIATION = 0.1  # of word vectors; Sukhbaatar et al. (2015), section 4.2


class SentenceEncoding(nn.Module, ABC):
    """Makes one vector of the words of a sentence, the same way in T tables of word vectors.

    A model asks for it as `sentence_encoding: Callable[..., SentenceEncoding]` and calls it with
    `vocab_size`, `pad_id`, `embedding_dim` and `num_tables`. Padding after a sentence changes
    nothing; a sentence without words is 0.
    """

    @abstractmethod
    def forward(self, sentences: Tensor) -> Tensor:
        """Vectors [..., T, D] of sentences [..., W], in each table one."""

    @abstractmethod
    def words(self, table: int) -> Tensor:
        """The vectors [V, D] of single words in one of the tables."""


class WordTables(nn.Module):
    """T tables of word vectors side by side, so that one look-up serves them all.

    Vectors start from N(0, 0.1); that of the padding is 0 and gets no gradient from a sum.

    Args:
        num_rows: how many vectors there are in a table.
        pad_id: row of the padding.
        embedding_dim: size D of a vector.
        num_tables: how many tables there are.
    """

    def __init__(self, *, num_rows: int, pad_id: int, embedding_dim: int, num_tables: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_rows, num_tables, embedding_dim))
        nn.init.normal_(self.weight, std=INITIAL_DEVIATION)
        nn.init.zeros_(self.weight[pad_id].detach())
        self.pad_id = pad_id

    def sum(self, rows: Tensor, weights: Tensor | None = None) -> Tensor:
        """Sums [..., T, D] of rows [..., W], each times its weight [..., W] where there are any."""
        num_words = rows.shape[-1]
        sums = F.embedding_bag(
            rows.reshape(-1, num_words),
            self.weight.flatten(1),
            mode="sum",
            per_sample_weights=None if weights is None else weights.reshape(-1, num_words),
            padding_idx=self.pad_id,
        )  # [..., T D]
        return sums.view(*rows.shape[:-1], *self.weight.shape[1:])  # [..., T, D]
