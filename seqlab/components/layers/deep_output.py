"""Scores the vocabulary from word, state and context together."""

from torch import Tensor, nn


class DeepOutput(nn.Module):
    """Deep output layer of Xu et al. (2015), equation 7: L_o(E y + L_h h + L_z z).

    All is linear, so the one bias of L_o stands for those of all three. Dropout falls on h and on
    the sum, as in the authors' code.

    Args:
        embedding_dim: size E of an embedded word E y, in which all three meet.
        hidden_dim: size H of a state h.
        context_dim: size D of a context z.
        vocab_size: number V of words.
        dropout: probability with which a number is dropped.
    """

    def __init__(
        self,
        *,
        embedding_dim: int,
        hidden_dim: int,
        context_dim: int,
        vocab_size: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.from_hidden = nn.Linear(hidden_dim, embedding_dim, bias=False)
        self.from_context = nn.Linear(context_dim, embedding_dim, bias=False)
        self.to_vocabulary = nn.Linear(embedding_dim, vocab_size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, words: Tensor, hidden: Tensor, context: Tensor) -> Tensor:
        """Logits [..., V] of embedded words [..., E], states [..., H] and contexts [..., D]."""
        from_hidden = self.from_hidden(self.dropout(hidden))  # [..., E]
        meeting = words + from_hidden + self.from_context(context)  # [..., E]
        return self.to_vocabulary(self.dropout(meeting))  # [..., V]
