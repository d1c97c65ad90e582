"""An LSTM whose gates see its cell."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from seqlab.components.init import Initialisation
from seqlab.components.recurrent.interface import RecurrentCell, masked
from seqlab.components.recurrent.lstm import LSTMCell, LSTMState
from seqlab.components.recurrent.peepholes import Peepholes


class PeepholeLSTMCell(RecurrentCell):
    """LSTM with peepholes; Gers and Schmidhuber (2000), Graves (2013), equations 7 to 11.

    i, f = sigmoid(W x + U h + p c + b), g = tanh(W x + U h + b), c' = f c + i g,
    o = sigmoid(W x + U h + p c' + b), h' = o tanh(c'). Without any peephole it is the plain LSTM
    and runs in torch's kernel.

    Args:
        input_dim: size E of an input.
        hidden_dim: size H of the state.
        peepholes: which gates see the cell.
        forget_bias: where the bias of the forget gate starts.
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
        peepholes: Sequence[Literal["input", "forget", "output"]],
        forget_bias: float,
        initialisation: Initialisation = "orthogonal",
        initial_scale: float | None = None,
    ) -> None:
        super().__init__()
        self.peepholes = Peepholes(
            gates=peepholes, allowed=("input", "forget", "output"), hidden_dim=hidden_dim
        )
        self.lstm = LSTMCell(
            input_dim=input_dim,
            hidden_dim=hidden_dim,
            forget_bias=forget_bias,
            initialisation=initialisation,
            initial_scale=initial_scale,
        )
        self.input_dim, self.hidden_dim = input_dim, hidden_dim
        self.projected_dim = self.lstm.projected_dim

    def project(self, inputs: Tensor) -> Tensor:
        """Inputs [..., E] to the four gates [..., 4H]."""
        return self.lstm.project(inputs)  # [..., 4H]

    def step(
        self, projected: Tensor, state: LSTMState, mask: Tensor | None = None
    ) -> tuple[Tensor, LSTMState]:
        """Output [B, H] and next state from projected inputs [B, 4H]."""
        hidden = masked(state.hidden, mask)  # [B, H]
        gates = torch.addmm(projected, hidden, self.lstm.kernel.weight_hh_l0.t())  # [B, 4H]
        i, f, g, o = gates.chunk(4, dim=1)  # each [B, H]
        i = torch.sigmoid(self.peepholes("input", i, state.cell))  # [B, H]
        f = torch.sigmoid(self.peepholes("forget", f, state.cell))  # [B, H]
        cell = f * state.cell + i * torch.tanh(g)  # [B, H]
        o = torch.sigmoid(self.peepholes("output", o, cell))  # [B, H]
        hidden = o * torch.tanh(cell)  # [B, H]
        return hidden, LSTMState(hidden, cell)

    def fused(
        self, inputs: Tensor, state: LSTMState, lengths: Tensor | None = None
    ) -> tuple[Tensor, LSTMState] | None:
        """All steps in torch's kernel, where no gate sees the cell."""
        return None if self.peepholes.weights else self.lstm.fused(inputs, state, lengths)
