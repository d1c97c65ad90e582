"""A recurrent network that thinks in several layers between one state and the next."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqlab.components.init import Initialisation, init_matrices
from seqlab.components.recurrent.interface import RecurrentCell, masked


class DeepTransitionState(NamedTuple):
    """What a deep transition hands on."""

    hidden: Tensor  # [B, H]


class DeepTransitionCell(RecurrentCell):
    """Deep transition, DT-RNN and DT(S)-RNN of Pascanu et al. (2014), figure 2b.

    z_1 = tanh(W x + U_1 h + b_1), z_l = tanh(U_l z_(l-1) + b_l), h' = z_L. With a shortcut the last
    layer sees the old state too, z_L = tanh(U_L z_(L-1) + S h + b_L), so that a gradient can pass a
    step through one layer alone.

    Args:
        input_dim: size E of an input.
        hidden_dim: size H of the state and of every layer.
        depth: number L of layers from state to state; 1 is the simple recurrent network.
        shortcut: whether there is a shortcut.
        initialisation: how its matrices start (`seqlab.components.init`).
        initial_scale: the scale of that; None for the usual one.

    Raises:
        ValueError: there are no layers, or but one and a shortcut beside it.
    """

    state_type = DeepTransitionState

    def __init__(
        self,
        *,
        input_dim: int,
        hidden_dim: int,
        depth: int,
        shortcut: bool,
        initialisation: Initialisation = "orthogonal",
        initial_scale: float | None = None,
    ) -> None:
        super().__init__()
        if depth < 1 + shortcut:
            raise ValueError(
                f"depth={depth}: a transition has a layer, and one more where a shortcut skips it"
            )
        self.input_dim, self.hidden_dim = input_dim, hidden_dim
        self.projected_dim = hidden_dim
        self.input = nn.Linear(input_dim, hidden_dim)
        self.recurrent = nn.Linear(hidden_dim, hidden_dim, bias=False)
        self.layers = nn.ModuleList(nn.Linear(hidden_dim, hidden_dim) for _ in range(depth - 1))
        self.shortcut = nn.Linear(hidden_dim, hidden_dim, bias=False) if shortcut else None
        recurrent = [self.recurrent, *self.layers, *([self.shortcut] if shortcut else [])]
        init_matrices(
            recurrent=[layer.weight for layer in recurrent],
            inputs=[self.input.weight],
            initialisation=initialisation,
            scale=initial_scale,
        )
        for layer in (self.input, *self.layers):
            nn.init.zeros_(layer.bias)

    def project(self, inputs: Tensor) -> Tensor:
        """Inputs [..., E] to the first layer [..., H]."""
        return self.input(inputs)  # [..., H]

    def step(
        self, projected: Tensor, state: DeepTransitionState, mask: Tensor | None = None
    ) -> tuple[Tensor, DeepTransitionState]:
        """Output [B, H] and next state from projected inputs [B, H]."""
        hidden = masked(state.hidden, mask)  # [B, H]
        total = torch.addmm(projected, hidden, self.recurrent.weight.t())  # [B, H]
        for layer in self.layers:
            total = layer(torch.tanh(total))  # [B, H]
        if self.shortcut is not None:
            total = torch.addmm(total, hidden, self.shortcut.weight.t())  # [B, H]
        hidden = torch.tanh(total)  # [B, H]
        return hidden, DeepTransitionState(hidden)

    def fused(
        self, inputs: Tensor, state: DeepTransitionState, lengths: Tensor | None = None
    ) -> None:
        """Torch has no kernel for it."""
        return None
