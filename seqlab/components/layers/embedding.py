"""Vectors for words."""

from torch import nn

INITIAL_RANGE = 0.1  # near that of Vinyals et al. (2015) and Sutskever et al. (2014), 0.08


def word_embedding(*, vocab_size: int, embedding_dim: int, pad_id: int) -> nn.Embedding:
    """Word vectors V x E, uniform in +-0.1; that of the padding is 0 and stays so.

    Args:
        vocab_size: number V of words.
        embedding_dim: size E of a vector.
        pad_id: index of the padding.
    """
    embedding = nn.Embedding(vocab_size, embedding_dim, padding_idx=pad_id)
    nn.init.uniform_(embedding.weight, -INITIAL_RANGE, INITIAL_RANGE)
    nn.init.zeros_(embedding.weight[pad_id].detach())
    return embedding
