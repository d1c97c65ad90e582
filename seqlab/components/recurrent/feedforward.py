"""A cell that remembers nothing, for networks that have their memory elsewhere."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from seqlab.components.masking import length_mask
from seqlab.components.recurrent.interface import RecurrentCell
from seqlab.components.recurrent.stacked import last_output
from seqlab.components.recurrent.unroll import zero_padding


class FeedForwardState(NamedTuple):
    """What is handed on, though no step reads it."""

    hidden: Tensor  # [B, H]


class FeedForwardCell(RecurrentCell):
    """Feed-forward layer h = f(W x + b), the controller of Graves et al. (2014), section 3.4.

    As the controller of a memory it knows the past by what the heads read. By itself it sees but
    the present input. No product sees a hidden state, so that a mask has nothing to act on.

    Args:
        input_dim: size E of an input.
        hidden_dim: size H of the output.
        nonlinearity: f, `tanh` or `relu`.

    Raises:
        ValueError: `nonlinearity` is neither.
    """

    state_type = FeedForwardState

    def __init__(
        self, *, input_dim: int, hidden_dim: int, nonlinearity: Literal["tanh", "relu"]
    ) -> None:
        super().__init__()
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity={nonlinearity!r} is neither 'tanh' nor 'relu'")
        self.input_dim, self.hidden_dim = input_dim, hidden_dim
        self.projected_dim = hidden_dim
        self.input = nn.Linear(input_dim, hidden_dim)
        self.activation = torch.tanh if nonlinearity == "tanh" else torch.relu

    def project(self, inputs: Tensor) -> Tensor:
        """Inputs [..., E] to [..., H]."""
        return self.input(inputs)  # [..., H]

    def step(
        self, projected: Tensor, state: FeedForwardState, mask: Tensor | None = None
    ) -> tuple[Tensor, FeedForwardState]:
        """Output [B, H] and next state from projected inputs [B, H]."""
        hidden = self.activation(projected)  # [B, H]
        return hidden, FeedForwardState(hidden)

    def fused(
        self, inputs: Tensor, state: FeedForwardState, lengths: Tensor | None = None
    ) -> tuple[Tensor, FeedForwardState]:
        """All steps at once: none waits for another."""
        outputs = self.activation(self.project(inputs))  # [B, T, H]
        last = last_output(outputs, lengths)  # [B, H]
        if lengths is not None:
            outputs = zero_padding(outputs, length_mask(lengths, inputs.shape[1]))  # [B, T, H]
        return outputs, FeedForwardState(last)
