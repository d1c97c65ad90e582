"""RNNsearch: a translation that searches the source for what each word needs."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seqlab.components.attention.interface import Attended, Attention, Prepared
from seqlab.components.layers.bridge import Bridge
from seqlab.components.layers.embedding import word_embedding
from seqlab.components.layers.maxout import MaxoutOutput
from seqlab.components.losses import MovingAverageBaseline
from seqlab.components.masking import length_mask
from seqlab.components.recurrent.bidirectional import Bidirectional
from seqlab.components.recurrent.interface import RecurrentCell
from seqlab.models.interfaces import Sentences, TeacherForced, TranslationModel
from seqlab.models.policy import BASELINE_DECAY, POLICY_NAMES, policy_terms


class DecoderState(NamedTuple):
    """What one word hands to the next."""

    recurrent: Any  # s_(i-1), the state of the recurrent cell
    position: Tensor  # [N], how many words there were
    weights: Tensor  # [N, S], what the last word read; 0 before the first


class RNNSearch(TranslationModel):
    """Attention between a bidirectional encoder and a decoder; Bahdanau et al. (2015), appendix A.

    With annotations h_j of both directions, s_0 = tanh(W_s h_1) of the backward one alone,
    c_i = sum_j alpha_ij h_j read with s_(i-1), s_i = f(s_(i-1), y_(i-1), c_i), and a maxout layer
    that scores y_i from s_(i-1), y_(i-1) and c_i (A.2.2). Where the attention samples
    (`Prepared.sampled`), the REINFORCE terms of Xu et al. (2015) are added.

    The paper has no dropout; here it falls on embedded words and on the maxout units.

    Args:
        source_vocab_size: number of words that are read.
        target_vocab_size: number V of words that are written.
        pad_id: index of the padding in both.
        attention: how the source is read.
        recurrent: what reads in either direction and what writes.
        embedding_dim: size E of a word vector in both languages.
        encoder_dim: size of the state in each direction; the annotations D have twice that.
        hidden_dim: size H of the decoder's state.
        maxout_dim: number of maxout units.
        dropout: probability with which a number is dropped.
    """

    def __init__(
        self,
        *,
        source_vocab_size: int,
        target_vocab_size: int,
        pad_id: int,
        attention: Callable[..., Attention],
        recurrent: Callable[..., RecurrentCell],
        embedding_dim: int,
        encoder_dim: int,
        hidden_dim: int,
        maxout_dim: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.source_embedding = word_embedding(
            vocab_size=source_vocab_size, embedding_dim=embedding_dim, pad_id=pad_id
        )
        self.encoder = Bidirectional(
            forward=recurrent(input_dim=embedding_dim, hidden_dim=encoder_dim),
            backward=recurrent(input_dim=embedding_dim, hidden_dim=encoder_dim),
        )
        value_dim = self.encoder.output_dim
        self.attention = attention(query_dim=hidden_dim, value_dim=value_dim)
        self.auxiliary_names = POLICY_NAMES if self.attention.samples else ()
        self.embedding = word_embedding(
            vocab_size=target_vocab_size, embedding_dim=embedding_dim, pad_id=pad_id
        )
        self.cell = recurrent(input_dim=embedding_dim, hidden_dim=hidden_dim)
        # The cell's input is [E y; c]. Its matrix is kept in two parts, this one for c, so that the
        # part for the words leaves the time loop.
        self.from_context = nn.Linear(value_dim, self.cell.projected_dim, bias=False)
        self.bridge = Bridge(cell=self.cell, input_dim=encoder_dim)
        self.output = MaxoutOutput(
            embedding_dim=embedding_dim,
            hidden_dim=hidden_dim,
            context_dim=value_dim,
            maxout_dim=maxout_dim,
            vocab_size=target_vocab_size,
            dropout=dropout,
        )
        self.dropout = nn.Dropout(dropout)
        self.baseline = MovingAverageBaseline(decay=BASELINE_DECAY)

    def encode(self, source: Sentences) -> tuple[DecoderState, Prepared]:
        """State and memory of sentences [B, S]."""
        tokens, lengths = source
        words = self.dropout(self.source_embedding(tokens))  # [B, S, E]
        annotations, (_, backward) = self.encoder(words, lengths)  # [B, S, D]
        mask = length_mask(lengths, tokens.shape[1])  # [B, S]
        state = DecoderState(
            recurrent=self.bridge(backward.hidden),
            position=torch.zeros_like(lengths),
            weights=annotations.new_zeros(tokens.shape),
        )
        return state, self.attention.prepare(annotations, mask)

    def move(self, word: Tensor, read: Attended, recurrent: Any) -> Any:
        """The next state s_i from a word projected to [N, P] and the read that it was given."""
        projected = torch.addmm(word, read.context, self.from_context.weight.t())  # [N, P]
        return self.cell.step(projected, recurrent)[1]

    def step(
        self, tokens: Tensor, state: DecoderState, memory: Prepared
    ) -> tuple[Tensor, DecoderState]:
        """Log-probabilities [N, V] of what follows tokens [N], and the next state."""
        query = state.recurrent.hidden  # [N, H]
        word = self.dropout(self.embedding(tokens))  # [N, E]
        read = self.attention(query, memory, state.position)
        logits = self.output(word, query, read.context)  # [N, V]
        recurrent = self.move(self.cell.project(word), read, state.recurrent)
        state = DecoderState(recurrent, state.position + 1, read.weights)
        return logits.log_softmax(dim=1), state

    def forward(self, source: Sentences, tokens: Tensor, lengths: Tensor) -> TeacherForced:
        """Teacher forcing over tokens [B, T + 1] of the translations of sentences [B, S]."""
        (recurrent, position, _), memory = self.encode(source)
        words = self.dropout(self.embedding(tokens[:, :-1]))  # [B, T, E]
        steps = [(recurrent.hidden, *self.attention(recurrent.hidden, memory, position))]
        read = Attended(*steps[0][1:])
        # A word is scored before the cell reads it, so nothing needs the state after the last one.
        for t, word in enumerate(self.cell.project(words[:, :-1]).unbind(dim=1), start=1):
            recurrent = self.move(word, read, recurrent)
            read = self.attention(recurrent.hidden, memory, position + t)
            steps.append((recurrent.hidden, *read))
        queries, contexts, weights, probabilities = (
            torch.stack(parts, dim=1) for parts in zip(*steps, strict=True)
        )  # [B, T, H], [B, T, D], [B, T, S], [B, T, S]
        logits = self.output(words, queries, contexts)  # [B, T, V]

        auxiliary = {}
        if memory.sampled is not None:
            real = length_mask(lengths, words.shape[1])  # [B, T]
            auxiliary = policy_terms(
                self.baseline, logits, tokens, lengths, weights, probabilities, real, memory.sampled
            )
        return TeacherForced(logits, weights, auxiliary)
