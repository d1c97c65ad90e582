"""Scores the vocabulary through units that each give the larger of two sums."""

import torch
from torch import Tensor, nn


class MaxoutOutput(nn.Module):
    """Deep output with one maxout layer of Bahdanau et al. (2015), appendix A.2.2: W_o t.

    t~ = U_o s + V_o E y + C_o c, and t_j is the larger of t~_(2j - 1) and t~_(2j) (Goodfellow et
    al., 2013). The paper writes no biases; t~ and the logits have one here, as in the authors'
    code. Dropout falls on t.

    Args:
        embedding_dim: size E of an embedded word E y.
        hidden_dim: size H of a state s.
        context_dim: size D of a context c.
        maxout_dim: size of t, half that of t~.
        vocab_size: number V of words.
        dropout: probability with which a number of t is dropped.
    """

    def __init__(
        self,
        *,
        embedding_dim: int,
        hidden_dim: int,
        context_dim: int,
        maxout_dim: int,
        vocab_size: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.from_hidden = nn.Linear(hidden_dim, 2 * maxout_dim)
        self.from_word = nn.Linear(embedding_dim, 2 * maxout_dim, bias=False)
        self.from_context = nn.Linear(context_dim, 2 * maxout_dim, bias=False)
        self.to_vocabulary = nn.Linear(maxout_dim, vocab_size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, words: Tensor, hidden: Tensor, context: Tensor) -> Tensor:
        """Logits [..., V] of embedded words [..., E], states [..., H] and contexts [..., D]."""
        meeting = self.from_hidden(hidden) + self.from_word(words) + self.from_context(context)
        largest = torch.maximum(meeting[..., 0::2], meeting[..., 1::2])  # [..., maxout_dim]
        return self.to_vocabulary(self.dropout(largest))  # [..., V]
