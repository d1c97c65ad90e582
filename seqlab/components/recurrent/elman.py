"""The simple recurrent network."""

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqlab.components.init import Initialisation
from seqlab.components.recurrent.interface import RecurrentCell, masked
from seqlab.components.recurrent.kernel import init_kernel, run_kernel


class ElmanState(NamedTuple):
    """What a simple recurrent network hands on."""

    hidden: Tensor  # [B, H]


class ElmanCell(RecurrentCell):
    """Simple recurrent network of Elman (1990): h' = f(W x + U h + b).

    The parameters are those of an `nn.RNN`.

    Args:
        input_dim: size E of an input.
        hidden_dim: size H of the state.
        nonlinearity: f, `tanh` or `relu`; `relu` with the identity as initialisation is the IRNN of
            Le et al. (2015).
        initialisation: how its matrices start (`seqlab.components.init`).
        initial_scale: the scale of that; None for the usual one.

    Raises:
        ValueError: `nonlinearity` is neither.
    """

    state_type = ElmanState

    def __init__(
        self,
        *,
        input_dim: int,
        hidden_dim: int,
        nonlinearity: Literal["tanh", "relu"],
        initialisation: Initialisation = "orthogonal",
        initial_scale: float | None = None,
    ) -> None:
        super().__init__()
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity={nonlinearity!r} is neither 'tanh' nor 'relu'")
        self.input_dim, self.hidden_dim = input_dim, hidden_dim
        self.projected_dim = hidden_dim
        self.kernel = nn.RNN(input_dim, hidden_dim, nonlinearity=nonlinearity, batch_first=True)
        self.activation = torch.tanh if nonlinearity == "tanh" else torch.relu
        init_kernel(self.kernel, initialisation, initial_scale)

    def project(self, inputs: Tensor) -> Tensor:
        """Inputs [..., E] to [..., H]."""
        bias = self.kernel.bias_ih_l0 + self.kernel.bias_hh_l0  # [H]
        return F.linear(inputs, self.kernel.weight_ih_l0, bias)  # [..., H]

    def step(
        self, projected: Tensor, state: ElmanState, mask: Tensor | None = None
    ) -> tuple[Tensor, ElmanState]:
        """Output [B, H] and next state from projected inputs [B, H]."""
        hidden = masked(state.hidden, mask)  # [B, H]
        total = torch.addmm(projected, hidden, self.kernel.weight_hh_l0.t())  # [B, H]
        hidden = self.activation(total)  # [B, H]
        return hidden, ElmanState(hidden)

    def fused(
        self, inputs: Tensor, state: ElmanState, lengths: Tensor | None = None
    ) -> tuple[Tensor, ElmanState]:
        """All steps in torch's kernel."""
        outputs, fields = run_kernel(self.kernel, inputs, state, lengths)
        return outputs, ElmanState(*fields)
