"""Reads facts and question as one text, word by word, and answers at its end."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from seqlab.components.layers.embedding import word_embedding
from seqlab.components.recurrent.interface import RecurrentCell
from seqlab.components.recurrent.stacked import last_output
from seqlab.components.recurrent.unroll import unroll
from seqlab.models.interfaces import Answered, QuestionAnswerer, Questions


class WordReader(QuestionAnswerer):
    """A recurrent cell over the words of all facts, then of the question.

    With an LSTM the baseline of Weston et al. (2015, bAbI), section 4; with a memory of its own the
    reader of Graves et al. (2016). The answer is read off the output at the last word, so what
    stands behind it in a batch cannot change it.

    Args:
        vocab_size: number V of words.
        pad_id: index of the padding.
        recurrent: what reads and remembers the words.
        embedding_dim: size E of a word vector.
        hidden_dim: size H of the recurrent state.
        dropout: probability with which a number of a word or of the output is dropped.
    """

    def __init__(
        self,
        *,
        vocab_size: int,
        pad_id: int,
        recurrent: Callable[..., RecurrentCell],
        embedding_dim: int,
        hidden_dim: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.embedding = word_embedding(
            vocab_size=vocab_size, embedding_dim=embedding_dim, pad_id=pad_id
        )
        self.cell = recurrent(input_dim=embedding_dim, hidden_dim=hidden_dim)
        self.to_words = nn.Linear(hidden_dim, vocab_size)
        self.dropout = nn.Dropout(dropout)
        self.pad_id = pad_id

    def forward(self, questions: Questions, supporting: Tensor | None = None) -> Answered:
        """Answer questions; which facts support an answer is not looked at."""
        words = torch.cat([questions.facts.flatten(1), questions.question], dim=1)  # [B, M W + Q]
        tokens, lengths = close_gaps(words, self.pad_id)  # [B, T], [B]
        inputs = self.dropout(self.embedding(tokens))  # [B, T, E]
        outputs, _ = unroll(self.cell, inputs, self.cell.init_state(len(inputs)))  # [B, T, H]
        last = last_output(outputs, lengths)  # [B, H]
        return Answered(self.to_words(self.dropout(last)), None, {})


def close_gaps(words: Tensor, pad_id: int) -> tuple[Tensor, Tensor]:
    """Words [B, L] with padding among them as tokens [B, T] with padding behind, and lengths [B].

    T is the longest length, at least 1: a row without words has one padding.
    """
    real = words != pad_id  # [B, L]
    lengths = real.sum(dim=1)  # [B]
    size = max(int(lengths.max()), 1)
    # Padding goes to a place of its own behind all others, which is cut off again.
    places = torch.where(real, real.cumsum(dim=1) - 1, size)  # [B, L]
    tokens = words.new_full((len(words), size + 1), pad_id)  # [B, T + 1]
    return tokens.scatter(1, places, words)[:, :size], lengths.clamp_min(1)
