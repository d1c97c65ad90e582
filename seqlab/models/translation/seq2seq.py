"""Sequence to sequence: a sentence is read into one state, and the translation written from it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor, nn

from seqlab.components.layers.embedding import word_embedding
from seqlab.components.recurrent.bidirectional import reverse
from seqlab.components.recurrent.interface import RecurrentCell
from seqlab.components.recurrent.unroll import unroll
from seqlab.models.interfaces import Sentences, TeacherForced, TranslationModel


class DecoderState(NamedTuple):
    """What one word hands to the next."""

    recurrent: Any  # the state of the recurrent cell, of all its layers
    weights: None = None  # it does not attend


class Seq2Seq(TranslationModel):
    """A deep cell reads the source, another writes from its last state; Sutskever et al. (2014).

    The source is read with its words in reverse and its end last, which puts its first words near
    those that the translation begins with (section 3.3). Dropout, which the paper does not have,
    falls on words and outputs; that between layers belongs to the cell.

    Args:
        source_vocab_size: number of words that are read.
        target_vocab_size: number V of words that are written.
        pad_id: index of the padding in both.
        recurrent: what reads and what writes, with parameters of their own.
        embedding_dim: size E of a word vector in both languages.
        hidden_dim: size H of the recurrent state, of each layer.
        reverse_source: whether the source is read backwards.
        dropout: probability with which a number of a word or an output is dropped.
    """

    def __init__(
        self,
        *,
        source_vocab_size: int,
        target_vocab_size: int,
        pad_id: int,
        recurrent: Callable[..., RecurrentCell],
        embedding_dim: int,
        hidden_dim: int,
        reverse_source: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.source_embedding = word_embedding(
            vocab_size=source_vocab_size, embedding_dim=embedding_dim, pad_id=pad_id
        )
        self.encoder = recurrent(input_dim=embedding_dim, hidden_dim=hidden_dim)
        self.embedding = word_embedding(
            vocab_size=target_vocab_size, embedding_dim=embedding_dim, pad_id=pad_id
        )
        self.cell = recurrent(input_dim=embedding_dim, hidden_dim=hidden_dim)
        self.to_vocabulary = nn.Linear(hidden_dim, target_vocab_size)
        self.reverse_source = reverse_source
        self.dropout = nn.Dropout(dropout)

    def encode(self, source: Sentences) -> tuple[DecoderState, None]:
        """State after reading sentences [B, S]; no memory, since they are read once."""
        tokens, lengths = source
        if self.reverse_source:
            tokens = reverse(tokens, lengths - 1)  # [B, S], the end stays where it is
        words = self.dropout(self.source_embedding(tokens))  # [B, S, E]
        _, last = unroll(self.encoder, words, self.encoder.init_state(len(words)), lengths)
        return DecoderState(self.cell.restart(last)), None

    def step(
        self, tokens: Tensor, state: DecoderState, memory: None
    ) -> tuple[Tensor, DecoderState]:
        """Log-probabilities [N, V] of what follows tokens [N], and the next state."""
        word = self.dropout(self.embedding(tokens))  # [N, E]
        output, recurrent = self.cell(word, state.recurrent)  # [N, H]
        logits = self.to_vocabulary(self.dropout(output))  # [N, V]
        return logits.log_softmax(dim=1), DecoderState(recurrent)

    def forward(self, source: Sentences, tokens: Tensor, lengths: Tensor) -> TeacherForced:
        """Teacher forcing over tokens [B, T + 1] of the translations of sentences [B, S].

        A step knows only what came before it, so the padding after a translation needs no mask.
        """
        state, _ = self.encode(source)
        words = self.dropout(self.embedding(tokens[:, :-1]))  # [B, T, E]
        outputs, _ = unroll(self.cell, words, state.recurrent)  # [B, T, H]
        logits = self.to_vocabulary(self.dropout(outputs))  # [B, T, V]
        return TeacherForced(logits, None, {})
