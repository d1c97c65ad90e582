"""Temporal attention: a description whose every word looks at the frames anew."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seqlab.components.attention.interface import Attended, Attention, Prepared
from seqlab.components.attention.steps import stack_steps
from seqlab.components.backbones.interface import Backbone
from seqlab.components.layers.embedding import word_embedding
from seqlab.components.layers.initial_state import InitialState
from seqlab.components.losses import MovingAverageBaseline
from seqlab.components.masking import length_mask
from seqlab.components.recurrent.interface import RecurrentCell
from seqlab.components.video.frames import real_frame_vectors
from seqlab.components.video.local_features import LocalFeatures
from seqlab.models.interfaces import Footage, TeacherForced, VideoCaptioningModel, Watched
from seqlab.models.policy import BASELINE_DECAY, POLICY_NAMES, policy_terms


class DecoderState(NamedTuple):
    """What one word hands to the next."""

    recurrent: Any  # the state of the recurrent cell, fields [N, H]
    position: Tensor  # [N], how many words there were
    weights: Tensor  # [N, F], what the last word read; 0 before the first


class TemporalAttention(VideoCaptioningModel):
    """Attention over frames between the steps of any recurrent cell; Yao et al. (2015).

    A frame is what it shows and what happens around it, [v_f; local_f] (section 3.1). The memory
    that all words of a video share is the attention's `Prepared`. Where the attention samples, the
    REINFORCE terms of Xu et al. (2015) are added.

    Args:
        vocab_size: number V of words.
        pad_id: index of the padding.
        backbone: reads a frame.
        local_features: reads what happens around a frame.
        attention: how the frames are read.
        recurrent: what reads and remembers the words.
        embedding_dim: size E of a word vector.
        hidden_dim: size H of the recurrent state.
        dropout: probability with which a number before the vocabulary is dropped.
    """

    def __init__(
        self,
        *,
        vocab_size: int,
        pad_id: int,
        backbone: Backbone,
        local_features: LocalFeatures,
        attention: Callable[..., Attention],
        recurrent: Callable[..., RecurrentCell],
        embedding_dim: int,
        hidden_dim: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.backbone, self.local_features = backbone, local_features
        value_dim = backbone.channels + local_features.channels
        self.embedding = word_embedding(
            vocab_size=vocab_size, embedding_dim=embedding_dim, pad_id=pad_id
        )
        self.attention = attention(query_dim=hidden_dim, value_dim=value_dim)
        self.auxiliary_names = POLICY_NAMES if self.attention.samples else ()
        self.cell = recurrent(input_dim=embedding_dim, hidden_dim=hidden_dim)
        # The cell's input is [E y; phi]. Its matrix is kept in two parts, this one for phi, so that
        # the part for the words leaves the time loop.
        self.from_context = nn.Linear(value_dim, self.cell.projected_dim, bias=False)
        self.initial_state = InitialState(cell=self.cell, input_dim=value_dim)
        self.meeting = nn.Linear(hidden_dim + value_dim + embedding_dim, embedding_dim)
        self.to_vocabulary = nn.Linear(embedding_dim, vocab_size)
        self.dropout = nn.Dropout(dropout)
        self.baseline = MovingAverageBaseline(decay=BASELINE_DECAY)

    def watch(self, footage: Footage) -> Watched:
        """A vector of each frame [B, F, 3, height, width], and of what happens around it."""
        frames, lengths = footage
        shown = real_frame_vectors(self.backbone, frames, lengths)  # [B, F, D]
        around = self.local_features(frames, lengths)  # [B, F, D']
        return Watched(torch.cat([shown, around.to(shown.dtype)], dim=2), lengths)

    def encode(self, source: Watched) -> tuple[DecoderState, Prepared]:
        """State and memory of videos; the state starts from the mean of the frames."""
        values, lengths = source  # [B, F, D]
        recurrent = self.initial_state(values.sum(dim=1) / lengths.unsqueeze(1))
        weights = values.new_zeros(values.shape[:2])  # [B, F]
        position = torch.zeros(len(values), dtype=torch.long, device=values.device)  # [B]
        real = length_mask(lengths, values.shape[1])  # [B, F]
        return DecoderState(recurrent, position, weights), self.attention.prepare(values, real)

    def read_word(
        self, word: Tensor, recurrent: Any, memory: Prepared, position: Tensor
    ) -> tuple[Tensor, Any, Attended]:
        """One step of section 3.2: output [N, H], next state and read, from a word [N, P].

        The word is projected by the cell and has its position [N]. Relevance of a frame is
        w^T tanh(W_a h_(t-1) + U_a v_f + b_a), where the attention is additive.
        """
        read = self.attention(recurrent[0], memory, position)
        output, recurrent = self.cell.step(word + self.from_context(read.context), recurrent)
        return output, recurrent, read

    def output(self, words: Tensor, hidden: Tensor, context: Tensor) -> Tensor:
        """Logits [..., V]: U_p tanh(W_p [h; phi; E y] + b_p) + d, of the end of section 3.2."""
        meeting = self.meeting(torch.cat([hidden, context, words], dim=-1))  # [..., E]
        return self.to_vocabulary(self.dropout(torch.tanh(meeting)))  # [..., V]

    def step(
        self, tokens: Tensor, state: DecoderState, memory: Prepared
    ) -> tuple[Tensor, DecoderState]:
        """Log-probabilities [N, V] of what follows tokens [N], and the next state."""
        word = self.embedding(tokens)  # [N, E]
        output, recurrent, read = self.read_word(
            self.cell.project(word), state.recurrent, memory, state.position
        )
        logits = self.output(word, output, read.context)  # [N, V]
        state = DecoderState(recurrent, state.position + 1, read.weights)
        return logits.log_softmax(dim=1), state

    def forward(self, source: Watched, tokens: Tensor, lengths: Tensor) -> TeacherForced:
        """Teacher forcing over tokens [B, T + 1]."""
        (recurrent, position, _), memory = self.encode(source)
        words = self.embedding(tokens[:, :-1])  # [B, T, E]
        steps = []
        for t, word in enumerate(self.cell.project(words).unbind(dim=1)):  # [B, P]
            output, recurrent, read = self.read_word(word, recurrent, memory, position + t)
            steps.append((output, read))
        # [B, T, H], ([B, T, D], [B, T, F], [B, T, F])
        outputs, (contexts, weights, probabilities) = stack_steps(steps)
        logits = self.output(words, outputs, contexts)  # [B, T, V]
        if memory.sampled is None:
            return TeacherForced(logits, weights, {})
        real = length_mask(lengths, words.shape[1])  # [B, T]
        auxiliary = policy_terms(
            self.baseline, logits, tokens, lengths, weights, probabilities, real, memory.sampled
        )
        return TeacherForced(logits, weights, auxiliary)
