"""Position encoding: a sum of words that knows their order."""

import torch
from torch import Tensor

from seqlab.components.memory.sentences import SentenceEncoding, WordTables


class PositionEncoding(SentenceEncoding):
    """Sum of word vectors weighted by position; Sukhbaatar et al. (2015), section 4.1.

    m_i = sum_j l_j * A x_ij with l_kj = 1 + 4 (k - (d + 1) / 2) (j - (J + 1) / 2) / (d J): the form
    of the authors' code. It is twice that of the paper, (1 - j / J) - (k / d) (1 - 2 j / J), with
    the numbers k = 1..d and the words j = 1..J counted from their middles, so that the weights of a
    word have the mean 1 and a sentence the scale of a bag of words. J is the number of words of the
    sentence itself, as in the paper.

    As l is linear in k, the sum is that of two bags, one of them weighted by j alone, for all
    tables at once.

    Args:
        vocab_size: number V of words.
        pad_id: index of the padding.
        embedding_dim: size D of a vector.
        num_tables: number T of tables.
    """

    slope: Tensor

    def __init__(
        self, *, vocab_size: int, pad_id: int, embedding_dim: int, num_tables: int
    ) -> None:
        super().__init__()
        self.tables = WordTables(
            num_rows=vocab_size, pad_id=pad_id, embedding_dim=embedding_dim, num_tables=num_tables
        )
        d = embedding_dim
        k = torch.arange(1, d + 1)
        self.register_buffer("slope", 4 * (k - (d + 1) / 2) / d, persistent=False)  # [D]

    def forward(self, sentences: Tensor) -> Tensor:
        """Vectors [..., T, D] of sentences [..., W]."""
        plain = self.tables.sum(sentences)  # [..., T, D]
        tilted = self.tables.sum(sentences, self._offsets(sentences))  # [..., T, D]
        return torch.addcmul(plain, self.slope, tilted)  # [..., T, D]

    def _offsets(self, sentences: Tensor) -> Tensor:
        """(j - (J + 1) / 2) / J of each word, [..., W]."""
        J = (sentences != self.tables.pad_id).sum(dim=-1, keepdim=True).clamp_min(1)  # [..., 1]
        j = torch.arange(1, sentences.shape[-1] + 1, device=sentences.device)  # [W]
        return ((j - (J + 1) / 2) / J).to(self.slope.dtype)  # [..., W]

    def words(self, table: int) -> Tensor:
        """The vectors [V, D] of single words in one of the tables."""
        return self.tables.weight[:, table]  # [V, D]
