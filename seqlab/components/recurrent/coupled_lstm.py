"""An LSTM that forgets exactly what it replaces."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from seqlab.components.init import Initialisation, init_matrices
from seqlab.components.mixing import mix
from seqlab.components.recurrent.interface import RecurrentCell, masked
from seqlab.components.recurrent.lstm import LSTMState
from seqlab.components.recurrent.peepholes import Peepholes


class CoupledLSTMCell(RecurrentCell):
    """LSTM with coupled input and forget gates, f = 1 - i; CIFG of Greff et al. (2017).

    i = sigmoid(W x + U h + p c + b), g = tanh(W x + U h + b), c' = (1 - i) c + i g,
    o = sigmoid(W x + U h + p c' + b), h' = o tanh(c'). The gates stand in the order i, g, o.

    Args:
        input_dim: size E of an input.
        hidden_dim: size H of the state.
        peepholes: which gates see the cell; both in the paper.
        initialisation: how its matrices start (`seqlab.components.init`).
        initial_scale: the scale of that; None for the usual one.

    Raises:
        ValueError: a peephole's gate is unknown or named twice.
    """

    state_type = LSTMState

    def __init__(
        self,
        *,
        input_dim: int,
        hidden_dim: int,
        peepholes: Sequence[Literal["input", "output"]],
        initialisation: Initialisation = "orthogonal",
        initial_scale: float | None = None,
    ) -> None:
        super().__init__()
        self.peepholes = Peepholes(
            gates=peepholes, allowed=("input", "output"), hidden_dim=hidden_dim
        )
        self.input_dim, self.hidden_dim = input_dim, hidden_dim
        self.projected_dim = 3 * hidden_dim
        self.input = nn.Linear(input_dim, 3 * hidden_dim)
        self.recurrent = nn.Linear(hidden_dim, 3 * hidden_dim, bias=False)
        init_matrices(
            recurrent=self.recurrent.weight.split(hidden_dim),
            inputs=self.input.weight.split(hidden_dim),
            initialisation=initialisation,
            scale=initial_scale,
        )
        nn.init.zeros_(self.input.bias)

    def project(self, inputs: Tensor) -> Tensor:
        """Inputs [..., E] to two gates and the candidate [..., 3H]."""
        return self.input(inputs)  # [..., 3H]

    def step(
        self, projected: Tensor, state: LSTMState, mask: Tensor | None = None
    ) -> tuple[Tensor, LSTMState]:
        """Output [B, H] and next state from projected inputs [B, 3H]."""
        hidden = masked(state.hidden, mask)  # [B, H]
        gates = torch.addmm(projected, hidden, self.recurrent.weight.t())  # [B, 3H]
        i, g, o = gates.chunk(3, dim=1)  # each [B, H]
        i = torch.sigmoid(self.peepholes("input", i, state.cell))  # [B, H]
        cell = mix(state.cell, torch.tanh(g), i)  # [B, H], (1 - i) c + i g
        o = torch.sigmoid(self.peepholes("output", o, cell))  # [B, H]
        hidden = o * torch.tanh(cell)  # [B, H]
        return hidden, LSTMState(hidden, cell)

    def fused(self, inputs: Tensor, state: LSTMState, lengths: Tensor | None = None) -> None:
        """Torch has no kernel for it."""
        return None
