"""RNNsearch: a translation that searches the source for what each word needs."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seqlab.components.attention.interface import Attended, Attention, Prepared
from seqlab.components.attention.steps import stack_steps
from seqlab.components.layers.bridge import Bridge
from seqlab.components.layers.embedding import word_embedding
from seqlab.components.layers.maxout import MaxoutOutput
from seqlab.components.losses import MovingAverageBaseline
from seqlab.components.masking import length_mask
from seqlab.components.recurrent.bidirectional import Bidirectional
from seqlab.components.recurrent.interface import RecurrentCell
from seqlab.components.tree import tensors
from seqlab.models.interfaces import Sentences, TeacherForced, TranslationModel
from seqlab.models.policy import BASELINE_DECAY, POLICY_NAMES, policy_terms


class DecoderState(NamedTuple):
    """What one word hands to the next."""

    recurrent: Any  # the state of the recurrent cell
    output: Tensor  # [N, H], s_(i-1), what the cell gave out; what it holds before the first word
    position: Tensor  # [N], how many words there were
    weights: Tensor  # [N, S], what the last word read; 0 before the first


class RNNSearch(TranslationModel):
    """Attention between a bidirectional encoder and a decoder; Bahdanau et al. (2015), appendix A.

    With annotations h_j of both directions, s_0 = tanh(W_s h_1) of the backward one alone,
    c_i = sum_j alpha_ij h_j read with s_(i-1), s_i = f(s_(i-1), y_(i-1), c_i), and a maxout layer
    that scores y_i from s_(i-1), y_(i-1) and c_i (A.2.2). Where the attention samples
    (`Prepared.sampled`), the REINFORCE terms of Xu et al. (2015) are added.

    A conditional decoder takes two transitions (Sennrich et al., 2017, for a GRU): s' = f(s, y),
    c is read with s', s = g(s', c), and the maxout layer scores from this s.

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
        conditional: whether the decoder takes a transition before it looks at the source, too.
        dropout: probability with which a number is dropped.

    Raises:
        ValueError: conditional, and the cell's state fits inputs of one size only.
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
        conditional: bool,
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
        self.after: RecurrentCell | None = None
        self.from_context: nn.Linear | None = None
        if conditional:
            self.after = recurrent(input_dim=value_dim, hidden_dim=hidden_dim)
            check_same_state(self.cell, self.after)
        else:
            # The cell's input is [E y; c]. Its matrix is kept in two parts, this one for c, so that
            # the part for the words leaves the time loop.
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
        recurrent = self.bridge(backward.hidden)
        state = DecoderState(
            recurrent=recurrent,
            output=recurrent.hidden,
            position=torch.zeros_like(lengths),
            weights=annotations.new_zeros(tokens.shape),
        )
        return state, self.attention.prepare(annotations, mask)

    def move(self, word: Tensor, read: Attended, recurrent: Any) -> tuple[Tensor, Any]:
        """s_i [N, H] and the next state, from a word projected to [N, P] and its read."""
        projected = torch.addmm(word, read.context, self.from_context.weight.t())  # [N, P]
        return self.cell.step(projected, recurrent)

    def move_twice(
        self, word: Tensor, recurrent: Any, memory: Prepared, position: Tensor
    ) -> tuple[Tensor, Any, Attended]:
        """s_i [N, H], the next state and the read between, from a word projected to [N, P]."""
        query, between = self.cell.step(word, recurrent)  # [N, H]
        read = self.attention(query, memory, position)
        output, recurrent = self.after(read.context, between)  # [N, H]
        return output, recurrent, read

    def step(
        self, tokens: Tensor, state: DecoderState, memory: Prepared
    ) -> tuple[Tensor, DecoderState]:
        """Log-probabilities [N, V] of what follows tokens [N], and the next state."""
        recurrent, output, position, _ = state
        word = self.dropout(self.embedding(tokens))  # [N, E]
        projected = self.cell.project(word)  # [N, P]
        if self.after is not None:
            output, recurrent, read = self.move_twice(projected, recurrent, memory, position)
            logits = self.output(word, output, read.context)  # [N, V]
        else:
            read = self.attention(output, memory, position)
            logits = self.output(word, output, read.context)  # [N, V]
            output, recurrent = self.move(projected, read, recurrent)
        state = DecoderState(recurrent, output, position + 1, read.weights)
        return logits.log_softmax(dim=1), state

    def forward(self, source: Sentences, tokens: Tensor, lengths: Tensor) -> TeacherForced:
        """Teacher forcing over tokens [B, T + 1] of the translations of sentences [B, S]."""
        state, memory = self.encode(source)
        words = self.dropout(self.embedding(tokens[:, :-1]))  # [B, T, E]
        every = self.search if self.after is None else self.search_between
        steps = every(self.cell.project(words), state, memory)
        # [B, T, H], ([B, T, D], [B, T, S], [B, T, S])
        hidden, (contexts, weights, probabilities) = stack_steps(steps)
        logits = self.output(words, hidden, contexts)  # [B, T, V]

        auxiliary = {}
        if memory.sampled is not None:
            real = length_mask(lengths, words.shape[1])  # [B, T]
            auxiliary = policy_terms(
                self.baseline, logits, tokens, lengths, weights, probabilities, real, memory.sampled
            )
        return TeacherForced(logits, weights, auxiliary)

    def search(
        self, words: Tensor, state: DecoderState, memory: Prepared
    ) -> list[tuple[Tensor, Attended]]:
        """What scores each word, [B, H], and its read, from words [B, T, P].

        A word is scored before the cell reads it, so nothing needs the state after the last one.
        """
        recurrent, output, position, _ = state
        read = self.attention(output, memory, position)
        steps = [(output, read)]
        for t, word in enumerate(words[:, :-1].unbind(dim=1), start=1):  # [B, P]
            output, recurrent = self.move(word, read, recurrent)
            read = self.attention(output, memory, position + t)
            steps.append((output, read))
        return steps

    def search_between(
        self, words: Tensor, state: DecoderState, memory: Prepared
    ) -> list[tuple[Tensor, Attended]]:
        """As `search`, for a conditional decoder."""
        recurrent, _, position, _ = state
        steps = []
        for t, word in enumerate(words.unbind(dim=1)):  # [B, P]
            output, recurrent, read = self.move_twice(word, recurrent, memory, position + t)
            steps.append((output, read))
        return steps


def check_same_state(first: RecurrentCell, second: RecurrentCell) -> None:
    """Refuse two cells that cannot hand their states to each other.

    Raises:
        ValueError: their states, as they start in training, differ in shape.
    """
    shapes = [[tensor.shape for tensor in tensors(cell.init_state(1))] for cell in (first, second)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            "a conditional decoder hands the state of one cell to another that reads inputs of "
            f"another size, and that of {type(first).__name__} fits one size only (it holds a mask "
            "of the input): use another cell, or conditional=false"
        )
