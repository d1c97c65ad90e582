"""Attention after the decoder's step, global or local, with input feeding or without."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seqlab.components.attention.interface import Attended, Attention, Prepared
from seqlab.components.attention.steps import stack_steps
from seqlab.components.layers.embedding import word_embedding
from seqlab.components.losses import MovingAverageBaseline
from seqlab.components.masking import length_mask
from seqlab.components.recurrent.bidirectional import reverse
from seqlab.components.recurrent.interface import RecurrentCell
from seqlab.components.recurrent.unroll import unroll
from seqlab.models.interfaces import Sentences, TeacherForced, TranslationModel
from seqlab.models.policy import BASELINE_DECAY, POLICY_NAMES, policy_terms


class DecoderState(NamedTuple):
    """What one word hands to the next."""

    recurrent: Any  # the state of the recurrent cell, of all its layers
    attentional: Tensor | None  # [N, H], h~ of the last word, 0 before the first; where it is fed
    position: Tensor  # [N], how many words there were
    weights: Tensor  # [N, S], what the last word read; 0 before the first


class Luong(TranslationModel):
    """Encoder and decoder of one kind that meet in an attentional vector; Luong et al. (2015).

    The decoder's output h_t queries the encoder's outputs for a context c_t, and
    h~_t = tanh(W_c [c_t; h_t]) (equation 5) scores the words, W_s h~_t (equation 6). With input
    feeding h~_(t-1) enters the decoder beside the word (section 3.3). Without it no step needs the
    attention of another, so all of them run in the cell's kernel and read at once.

    Dropout falls on words and on h~ where it scores; that between layers belongs to the cell. Where
    the attention samples (`Prepared.sampled`), the REINFORCE terms of Xu et al. (2015) are added.

    Args:
        source_vocab_size: number of words that are read.
        target_vocab_size: number V of words that are written.
        pad_id: index of the padding in both.
        attention: how the source is read.
        recurrent: what reads and what writes, with parameters of their own.
        embedding_dim: size E of a word vector in both languages.
        hidden_dim: size H of the recurrent state, of each layer, and of h~.
        reverse_source: whether the encoder reads the words backwards, the end last. Attention and
            its weights keep the written order.
        input_feeding: whether a step knows what the last one attended to.
        dropout: probability with which a number of a word or of h~ is dropped.
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
        hidden_dim: int,
        reverse_source: bool,
        input_feeding: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.source_embedding = word_embedding(
            vocab_size=source_vocab_size, embedding_dim=embedding_dim, pad_id=pad_id
        )
        self.encoder = recurrent(input_dim=embedding_dim, hidden_dim=hidden_dim)
        self.attention = attention(query_dim=hidden_dim, value_dim=hidden_dim)
        self.auxiliary_names = POLICY_NAMES if self.attention.samples else ()
        self.embedding = word_embedding(
            vocab_size=target_vocab_size, embedding_dim=embedding_dim, pad_id=pad_id
        )
        self.cell = recurrent(input_dim=embedding_dim, hidden_dim=hidden_dim)
        # With feeding the cell's input is [E y; h~]. Its matrix is kept in two parts, this one for
        # h~, so that the part for the words leaves the time loop.
        self.from_attentional = (
            nn.Linear(hidden_dim, self.cell.projected_dim, bias=False) if input_feeding else None
        )
        self.attend = nn.Linear(2 * hidden_dim, hidden_dim, bias=False)
        self.to_vocabulary = nn.Linear(hidden_dim, target_vocab_size)
        self.reverse_source = reverse_source
        self.dropout = nn.Dropout(dropout)
        self.baseline = MovingAverageBaseline(decay=BASELINE_DECAY)

    def encode(self, source: Sentences) -> tuple[DecoderState, Prepared]:
        """State and memory of sentences [B, S]."""
        tokens, lengths = source
        if self.reverse_source:
            tokens = reverse(tokens, lengths - 1)  # [B, S], the end stays where it is
        words = self.dropout(self.source_embedding(tokens))  # [B, S, E]
        start = self.encoder.init_state(len(words))
        outputs, last = unroll(self.encoder, words, start, lengths)  # [B, S, H]
        if self.reverse_source:
            outputs = reverse(outputs, lengths - 1)  # [B, S, H], in the written order
        nothing = outputs.new_zeros(outputs[:, 0].shape)  # [B, H]
        state = DecoderState(
            recurrent=self.cell.restart(last),
            attentional=None if self.from_attentional is None else nothing,
            position=torch.zeros_like(lengths),
            weights=outputs.new_zeros(tokens.shape),
        )
        return state, self.attention.prepare(outputs, length_mask(lengths, tokens.shape[1]))

    def look(self, output: Tensor, memory: Prepared, position: Tensor) -> tuple[Tensor, Attended]:
        """h~ of outputs h [N, H] or [B, T, H] (equation 5), and the reads that they made."""
        read = self.attention(output, memory, position)
        meeting = torch.cat([read.context, output], dim=-1)  # [.., 2H]
        return torch.tanh(self.attend(meeting)), read

    def read_word(
        self, word: Tensor, state: DecoderState, memory: Prepared
    ) -> tuple[Tensor, DecoderState, Attended]:
        """h~ [N, H], the next state and the read, from a word that the cell projected to [N, P]."""
        if self.from_attentional is not None:
            word = word + self.from_attentional(state.attentional)  # [N, P]
        output, recurrent = self.cell.step(word, state.recurrent)  # [N, H]
        attentional, read = self.look(output, memory, state.position)
        fed = None if self.from_attentional is None else attentional
        return attentional, DecoderState(recurrent, fed, state.position + 1, read.weights), read

    def step(
        self, tokens: Tensor, state: DecoderState, memory: Prepared
    ) -> tuple[Tensor, DecoderState]:
        """Log-probabilities [N, V] of what follows tokens [N], and the next state."""
        word = self.cell.project(self.dropout(self.embedding(tokens)))  # [N, P]
        attentional, state, _ = self.read_word(word, state, memory)
        logits = self.to_vocabulary(self.dropout(attentional))  # [N, V]
        return logits.log_softmax(dim=1), state

    def forward(self, source: Sentences, tokens: Tensor, lengths: Tensor) -> TeacherForced:
        """Teacher forcing over tokens [B, T + 1] of the translations of sentences [B, S]."""
        state, memory = self.encode(source)
        words = self.dropout(self.embedding(tokens[:, :-1]))  # [B, T, E]
        every = self.all_at_once if self.from_attentional is None else self.one_by_one
        attentional, read = every(words, state, memory)  # [B, T, H]
        logits = self.to_vocabulary(self.dropout(attentional))  # [B, T, V]
        auxiliary = {}
        if memory.sampled is not None:
            real = length_mask(lengths, words.shape[1])  # [B, T]
            _, weights, probabilities = read
            auxiliary = policy_terms(
                self.baseline, logits, tokens, lengths, weights, probabilities, real, memory.sampled
            )
        return TeacherForced(logits, read.weights, auxiliary)

    def all_at_once(
        self, words: Tensor, state: DecoderState, memory: Prepared
    ) -> tuple[Tensor, Attended]:
        """h~ [B, T, H] of words [B, T, E] and the reads, where nothing is fed."""
        outputs, _ = unroll(self.cell, words, state.recurrent)  # [B, T, H]
        steps = torch.arange(words.shape[1], device=words.device)  # [T]
        return self.look(outputs, memory, steps.expand(len(words), -1))

    def one_by_one(
        self, words: Tensor, state: DecoderState, memory: Prepared
    ) -> tuple[Tensor, Attended]:
        """h~ [B, T, H] of words [B, T, E] and the reads, where h~ is fed."""
        steps = []
        for word in self.cell.project(words).unbind(dim=1):  # [B, P]
            attentional, state, read = self.read_word(word, state, memory)
            steps.append((attentional, read))
        return stack_steps(steps)
