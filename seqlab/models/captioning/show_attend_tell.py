"""Show, attend and tell: a caption whose every word looks at the image anew."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seqlab.components.attention.interface import Attended, Attention, Prepared
from seqlab.components.backbones.interface import Backbone
from seqlab.components.layers.deep_output import DeepOutput
from seqlab.components.layers.embedding import word_embedding
from seqlab.components.layers.initial_state import InitialState
from seqlab.components.layers.locations import locations
from seqlab.components.losses import (
    MovingAverageBaseline,
    doubly_stochastic,
    negative_entropy,
    reinforce,
    sampled_log_probability,
    sequence_nll,
)
from seqlab.components.masking import length_mask
from seqlab.components.recurrent.interface import RecurrentCell
from seqlab.models.interfaces import AuxiliaryTerm, CaptioningModel, TeacherForced

# The paper names its coefficients without values. Two are those of the authors' code, which takes
# the mean over locations where equation 14 has a sum. That of REINFORCE is to be set by validation,
# as in the paper; on generated scenes 1 learned clearly more slowly than 0.1 and 0.01 (one seed).
DOUBLY_STOCHASTIC_WEIGHT = 1.0  # over the number of locations
REINFORCE_WEIGHT = 0.01
ENTROPY_WEIGHT = 0.002
BASELINE_DECAY = 0.9


class DecoderState(NamedTuple):
    """What one word hands to the next."""

    recurrent: Any  # the state of the recurrent cell, fields [N, H]
    weights: Tensor  # [N, L], what the last word read; 0 before the first


class ShowAttendTell(CaptioningModel):
    """Attention over a feature map between any recurrent cell's steps; Xu et al. (2015).

    The memory that all words of an image share is the attention's `Prepared`. Where the attention
    samples (`Prepared.sampled`), the REINFORCE terms of section 4.1 are added.

    Args:
        vocab_size: number V of words.
        pad_id: index of the padding.
        backbone: whose feature maps are described.
        attention: how the image is read.
        recurrent: what reads and remembers the words.
        embedding_dim: size E of a word vector.
        hidden_dim: size H of the recurrent state.
        dropout: probability with which an output number is dropped.
    """

    def __init__(
        self,
        *,
        vocab_size: int,
        pad_id: int,
        backbone: Backbone,
        attention: Callable[..., Attention],
        recurrent: Callable[..., RecurrentCell],
        embedding_dim: int,
        hidden_dim: int,
        dropout: float,
    ) -> None:
        super().__init__()
        channels = backbone.channels
        self.backbone = backbone
        self.embedding = word_embedding(
            vocab_size=vocab_size, embedding_dim=embedding_dim, pad_id=pad_id
        )
        self.attention = attention(query_dim=hidden_dim, value_dim=channels)
        policy = ("reinforce", "entropy") if self.attention.samples else ()
        self.auxiliary_names = ("doubly_stochastic", *policy)
        self.cell = recurrent(input_dim=embedding_dim, hidden_dim=hidden_dim)
        # The cell's input is [E y; z]. Its matrix is kept in two parts, this one for z, so that the
        # part for the words leaves the time loop.
        self.from_context = nn.Linear(channels, self.cell.projected_dim, bias=False)
        self.gate = nn.Linear(hidden_dim, 1)
        self.initial_state = InitialState(cell=self.cell, input_dim=channels)
        self.output = DeepOutput(
            embedding_dim=embedding_dim,
            hidden_dim=hidden_dim,
            context_dim=channels,
            vocab_size=vocab_size,
            dropout=dropout,
        )
        self.baseline = MovingAverageBaseline(decay=BASELINE_DECAY)

    def encode(self, source: Tensor) -> tuple[DecoderState, Prepared]:
        """State and memory of feature maps [B, D, h, w]."""
        values = locations(source)  # [B, L, D]
        recurrent = self.initial_state(values.mean(dim=1))
        weights = values.new_zeros(values.shape[:2])  # [B, L]
        return DecoderState(recurrent, weights), self.attention.prepare(values)

    def read_word(
        self, word: Tensor, recurrent: Any, memory: Prepared
    ) -> tuple[Tensor, Any, Attended]:
        """One step of section 3.1.2: output [N, H], next state and read, from a word [N, P].

        The word is projected by the cell; beta = sigmoid(f_beta(h)), section 4.2.1, gates the
        context.
        """
        query = recurrent[0]  # [N, H], the hidden state before the word
        read = self.attention(query, memory)
        context = torch.sigmoid(self.gate(query)) * read.context  # [N, D]
        output, recurrent = self.cell.step(word + self.from_context(context), recurrent)
        return output, recurrent, read._replace(context=context)

    def step(
        self, tokens: Tensor, state: DecoderState, memory: Prepared
    ) -> tuple[Tensor, DecoderState]:
        """Log-probabilities [N, V] of what follows tokens [N], and the next state."""
        word = self.embedding(tokens)  # [N, E]
        output, recurrent, read = self.read_word(self.cell.project(word), state.recurrent, memory)
        logits = self.output(word, output, read.context)  # [N, V]
        return logits.log_softmax(dim=1), DecoderState(recurrent, read.weights)

    def forward(self, source: Tensor, tokens: Tensor, lengths: Tensor) -> TeacherForced:
        """Teacher forcing over tokens [B, T + 1] on feature maps [B, D, h, w]."""
        (recurrent, _), memory = self.encode(source)
        words = self.embedding(tokens[:, :-1])  # [B, T, E]
        steps = []
        for word in self.cell.project(words).unbind(dim=1):  # [B, P]
            output, recurrent, read = self.read_word(word, recurrent, memory)
            steps.append((output, *read))
        outputs, contexts, weights, probabilities = (
            torch.stack(parts, dim=1) for parts in zip(*steps, strict=True)
        )  # [B, T, H], [B, T, D], [B, T, L], [B, T, L]
        logits = self.output(words, outputs, contexts)  # [B, T, V]

        real = length_mask(lengths, words.shape[1])  # [B, T]
        auxiliary = {
            "doubly_stochastic": AuxiliaryTerm(
                doubly_stochastic(probabilities, real),
                DOUBLY_STOCHASTIC_WEIGHT / probabilities.shape[2],
            )
        }
        if memory.sampled is not None:
            log_likelihood = -sequence_nll(logits.detach(), tokens[:, 1:], lengths)  # [B]
            auxiliary |= self.policy_terms(
                log_likelihood, weights, probabilities, real, memory.sampled
            )
        return TeacherForced(logits, weights, auxiliary)

    def policy_terms(
        self,
        log_likelihood: Tensor,
        weights: Tensor,
        probabilities: Tensor,
        real: Tensor,
        sampled: Tensor,
    ) -> dict[str, AuxiliaryTerm]:
        """What lets the sampled images [B] learn where to look; Xu et al. (2015), equations 11, 12.

        The reward of all the places looked at is the log-likelihood [B] of the sentence; weights
        and probabilities are [B, T, L], real is [B, T].
        """
        baseline = self.baseline(log_likelihood, sampled)  # []
        chosen = sampled_log_probability(weights, probabilities, real)  # [B]
        policy = torch.where(sampled, reinforce(chosen, log_likelihood, baseline), 0)  # [B]
        entropy = torch.where(sampled, negative_entropy(probabilities, real), 0)  # [B]
        return {
            "reinforce": AuxiliaryTerm(policy, REINFORCE_WEIGHT),
            "entropy": AuxiliaryTerm(entropy, ENTROPY_WEIGHT),
        }
