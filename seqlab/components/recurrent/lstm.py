"""The long short-term memory cell."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqlab.components.init import Initialisation
from seqlab.components.recurrent.interface import RecurrentCell, masked
from seqlab.components.recurrent.kernel import init_kernel, run_kernel


class LSTMState(NamedTuple):
    """What an LSTM hands on."""

    hidden: Tensor  # [B, H]
    cell: Tensor  # [B, H]


class LSTMCell(RecurrentCell):
    """LSTM with a forget gate; Hochreiter and Schmidhuber (1997), Gers et al. (2000).

    i, f, o = sigmoid(W x + U h + b), g = tanh(W x + U h + b), c' = f c + i g, h' = o tanh(c').
    The parameters are those of an `nn.LSTM`, its gates in the order i, f, g, o.

    Args:
        input_dim: size E of an input.
        hidden_dim: size H of the state.
        forget_bias: where the bias of the forget gate starts; 1 lets a new cell remember
            (Jozefowicz et al., 2015).
        initialisation: how its matrices start (`seqlab.components.init`).
        initial_scale: the scale of that; None for the usual one.
    """

    state_type = LSTMState

    def __init__(
        self,
        *,
        input_dim: int,
        hidden_dim: int,
        forget_bias: float,
        initialisation: Initialisation = "orthogonal",
        initial_scale: float | None = None,
    ) -> None:
        super().__init__()
        self.input_dim, self.hidden_dim = input_dim, hidden_dim
        self.projected_dim = 4 * hidden_dim
        self.kernel = nn.LSTM(input_dim, hidden_dim, batch_first=True)
        init_kernel(self.kernel, initialisation, initial_scale)
        with torch.no_grad():
            self.kernel.bias_ih_l0[hidden_dim : 2 * hidden_dim] = forget_bias

    def project(self, inputs: Tensor) -> Tensor:
        """Inputs [..., E] to the four gates [..., 4H]."""
        bias = self.kernel.bias_ih_l0 + self.kernel.bias_hh_l0  # [4H]
        return F.linear(inputs, self.kernel.weight_ih_l0, bias)  # [..., 4H]

    def step(
        self, projected: Tensor, state: LSTMState, mask: Tensor | None = None
    ) -> tuple[Tensor, LSTMState]:
        """Output [B, H] and next state from projected inputs [B, 4H]."""
        hidden = masked(state.hidden, mask)  # [B, H]
        gates = torch.addmm(projected, hidden, self.kernel.weight_hh_l0.t())  # [B, 4H]
        i, f, g, o = gates.chunk(4, dim=1)  # each [B, H]
        cell = torch.sigmoid(f) * state.cell + torch.sigmoid(i) * torch.tanh(g)  # [B, H]
        hidden = torch.sigmoid(o) * torch.tanh(cell)  # [B, H]
        return hidden, LSTMState(hidden, cell)

    def fused(
        self, inputs: Tensor, state: LSTMState, lengths: Tensor | None = None
    ) -> tuple[Tensor, LSTMState]:
        """All steps in torch's kernel."""
        outputs, fields = run_kernel(self.kernel, inputs, state, lengths)
        return outputs, LSTMState(*fields)
