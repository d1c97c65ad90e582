"""Bag of n-grams: a sentence is the sum of its words and of the runs of words in it."""

import torch
from torch import Tensor

from seqlab.components.memory.sentences import SentenceEncoding, WordTables

MULTIPLIER = 1_000_003  # a prime; neighbouring words are numbered closely and have to be spread


class BagOfNgrams(SentenceEncoding):
    """Sum of the vectors of all runs of 1 to n words; Weston et al. (2015, bAbI), section 5.

    Runs of several words are far more than a vocabulary could list, most of which never occur. Each
    is put into one of so many buckets by a hash of its words; those in the same one share a vector.

    Args:
        vocab_size: number V of words.
        pad_id: index of the padding.
        embedding_dim: size D of a vector.
        num_tables: number T of tables.
        longest_run: length n of the longest run, in words.
        num_buckets: how many vectors there are for runs of two and more words.

    Raises:
        ValueError: there are no runs or no buckets.
    """

    def __init__(
        self,
        *,
        vocab_size: int,
        pad_id: int,
        embedding_dim: int,
        num_tables: int,
        longest_run: int,
        num_buckets: int,
    ) -> None:
        super().__init__()
        if longest_run < 1 or num_buckets < 1:
            raise ValueError(
                f"longest_run={longest_run} and num_buckets={num_buckets}: both are at least 1"
            )
        self.tables = WordTables(
            num_rows=vocab_size + num_buckets,
            pad_id=pad_id,
            embedding_dim=embedding_dim,
            num_tables=num_tables,
        )
        self.vocab_size, self.longest_run, self.num_buckets = vocab_size, longest_run, num_buckets

    def forward(self, sentences: Tensor) -> Tensor:
        """Vectors [..., T, D] of sentences [..., W]."""
        longest = min(self.longest_run, sentences.shape[-1])
        rows = [sentences, *(self.runs(sentences, length) for length in range(2, longest + 1))]
        return self.tables.sum(torch.cat(rows, dim=-1))  # [..., T, D]

    def runs(self, sentences: Tensor, length: int) -> Tensor:
        """Rows of the runs of so many words in sentences [..., W]; padding where there is none."""
        windows = sentences.unfold(-1, length, 1)  # [..., W - length + 1, length]
        hashed = torch.full_like(windows[..., 0], length)  # [..., W - length + 1]
        for word in windows.unbind(dim=-1):
            hashed = hashed * MULTIPLIER + word  # wraps around
        rows = self.vocab_size + hashed.remainder(self.num_buckets)
        is_run = windows[..., -1] != self.tables.pad_id  # padding comes last
        return torch.where(is_run, rows, self.tables.pad_id)  # [..., W - length + 1]

    def words(self, table: int) -> Tensor:
        """The vectors [V, D] of single words in one of the tables."""
        return self.tables.weight[: self.vocab_size, table]  # [V, D]
