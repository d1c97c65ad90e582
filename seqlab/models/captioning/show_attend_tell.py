"""Show, attend and tell: a caption whose every word looks at the image anew."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seqlab.components.attention.interface import Attended, Attention, Prepared
from seqlab.components.attention.steps import stack_steps
from seqlab.components.backbones.interface import Backbone
from seqlab.components.layers.deep_output import DeepOutput
from seqlab.components.layers.embedding import word_embedding
from seqlab.components.layers.initial_state import InitialState
from seqlab.components.layers.locations import locations
from seqlab.components.losses import MovingAverageBaseline, doubly_stochastic
from seqlab.components.masking import length_mask
from seqlab.components.recurrent.interface import RecurrentCell
from seqlab.models.interfaces import AuxiliaryTerm, CaptioningModel, TeacherForced
from seqlab.models.policy import BASELINE_DECAY, POLICY_NAMES, policy_terms

# The paper names its coefficient without a value. This is that of the authors' code, which takes
# the mean over locations where equation 14 has a sum.
DOUBLY_STOCHASTIC_WEIGHT = 1.0  # over the number of locations


class DecoderState(NamedTuple):
    """What one word hands to the next."""

    recurrent: Any  # the state of the recurrent cell, fields [N, H]
    position: Tensor  # [N], how many words there were
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
        # The paper has the penalty with soft attention only. Reads of one place at a time are as
        # few as the words: to ask that they reach all places would only blur where they look.
        penalty = ("doubly_stochastic",)
        self.auxiliary_names = POLICY_NAMES if self.attention.samples else penalty
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
        position = torch.zeros(len(values), dtype=torch.long, device=values.device)  # [B]
        return DecoderState(recurrent, position, weights), self.attention.prepare(values)

    def read_word(
        self, word: Tensor, recurrent: Any, memory: Prepared, position: Tensor
    ) -> tuple[Tensor, Any, Attended]:
        """One step of section 3.1.2: output [N, H], next state and read, from a word [N, P].

        The word is projected by the cell and has its position [N]; beta = sigmoid(f_beta(h)),
        section 4.2.1, gates the context.
        """
        query = recurrent[0]  # [N, H], the hidden state before the word
        read = self.attention(query, memory, position)
        context = torch.sigmoid(self.gate(query)) * read.context  # [N, D]
        output, recurrent = self.cell.step(word + self.from_context(context), recurrent)
        return output, recurrent, read._replace(context=context)

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

    def forward(self, source: Tensor, tokens: Tensor, lengths: Tensor) -> TeacherForced:
        """Teacher forcing over tokens [B, T + 1] on feature maps [B, D, h, w]."""
        (recurrent, position, _), memory = self.encode(source)
        words = self.embedding(tokens[:, :-1])  # [B, T, E]
        steps = []
        for t, word in enumerate(self.cell.project(words).unbind(dim=1)):  # [B, P]
            output, recurrent, read = self.read_word(word, recurrent, memory, position + t)
            steps.append((output, read))
        # [B, T, H], ([B, T, D], [B, T, L], [B, T, L])
        outputs, (contexts, weights, probabilities) = stack_steps(steps)
        logits = self.output(words, outputs, contexts)  # [B, T, V]

        real = length_mask(lengths, words.shape[1])  # [B, T]
        if memory.sampled is not None:
            auxiliary = policy_terms(
                self.baseline, logits, tokens, lengths, weights, probabilities, real, memory.sampled
            )
        elif not self.attention.samples:
            penalty = doubly_stochastic(probabilities, real)  # [B]
            weight = DOUBLY_STOCHASTIC_WEIGHT / probabilities.shape[2]
            auxiliary = {"doubly_stochastic": AuxiliaryTerm(penalty, weight)}
        else:  # evaluated: nothing is sampled, so there is nothing to reward
            auxiliary = {}
        return TeacherForced(logits, weights, auxiliary)
