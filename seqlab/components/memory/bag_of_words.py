"""Bag of words: a sentence is the sum of its words."""

from torch import Tensor

from seqlab.components.memory.sentences import SentenceEncoding, WordTables


class BagOfWords(SentenceEncoding):
    """Sum of the word vectors; Sukhbaatar et al. (2015), section 4.1: m_i = sum_j A x_ij.

    Args:
        vocab_size: number V of words.
        pad_id: index of the padding.
        embedding_dim: size D of a vector.
        num_tables: number T of tables.
    """

    def __init__(
        self, *, vocab_size: int, pad_id: int, embedding_dim: int, num_tables: int
    ) -> None:
        super().__init__()
        self.tables = WordTables(
            num_rows=vocab_size, pad_id=pad_id, embedding_dim=embedding_dim, num_tables=num_tables
        )

    def forward(self, sentences: Tensor) -> Tensor:
        """Vectors [..., T, D] of sentences [..., W]."""
        return self.tables.sum(sentences)  # [..., T, D]

    def words(self, table: int) -> Tensor:
        """The vectors [V, D] of single words in one of the tables."""
        return self.tables.weight[:, table]  # [V, D]
