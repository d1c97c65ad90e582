"""A recurrent network with a second connection, over several steps."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqlab.components.init import Initialisation, init_matrices
from seqlab.components.recurrent.interface import RecurrentCell, masked


class DelayedState(NamedTuple):
    """The last D hidden states."""

    hidden: Tensor  # [B, H], the last
    earlier: Tensor  # [B, D - 1, H], those before it, the oldest first


class DelayedCell(RecurrentCell):
    """Connection with a delay of D steps: h_t = tanh(W x_t + U h_(t-1) + U_D h_(t-D) + b).

    Lin et al. (1996); El Hihi and Bengio (1996). A gradient that vanishes within a number of steps
    reaches D times as far. Before the first input the state has always been what it starts from.

    Args:
        input_dim: size E of an input.
        hidden_dim: size H of a hidden state.
        delay: D, in steps.
        initialisation: how its matrices start (`seqlab.components.init`).
        initial_scale: the scale of that; None for the usual one.

    Raises:
        ValueError: the delay is below 2; one of 1 is the connection that is there anyway.
    """

    state_type = DelayedState

    def __init__(
        self,
        *,
        input_dim: int,
        hidden_dim: int,
        delay: int,
        initialisation: Initialisation = "orthogonal",
        initial_scale: float | None = None,
    ) -> None:
        super().__init__()
        if delay < 2:
            raise ValueError(f"delay={delay}: a delay is of at least 2 steps")
        self.input_dim, self.hidden_dim, self.delay = input_dim, hidden_dim, delay
        self.projected_dim = hidden_dim
        self.input = nn.Linear(input_dim, hidden_dim)
        self.recurrent = nn.Linear(hidden_dim, hidden_dim, bias=False)
        self.delayed = nn.Linear(hidden_dim, hidden_dim, bias=False)
        init_matrices(
            recurrent=[self.recurrent.weight, self.delayed.weight],
            inputs=[self.input.weight],
            initialisation=initialisation,
            scale=initial_scale,
        )
        nn.init.zeros_(self.input.bias)

    def project(self, inputs: Tensor) -> Tensor:
        """Inputs [..., E] to [..., H]."""
        return self.input(inputs)  # [..., H]

    def step(
        self, projected: Tensor, state: DelayedState, mask: Tensor | None = None
    ) -> tuple[Tensor, DelayedState]:
        """Output [B, H] and next state from projected inputs [B, H]."""
        last, oldest = masked(state.hidden, mask), masked(state.earlier[:, 0], mask)  # each [B, H]
        total = torch.addmm(projected, last, self.recurrent.weight.t())  # [B, H]
        hidden = torch.tanh(torch.addmm(total, oldest, self.delayed.weight.t()))  # [B, H]
        earlier = torch.cat([state.earlier[:, 1:], state.hidden.unsqueeze(1)], dim=1)
        return hidden, DelayedState(hidden, earlier)

    def fused(self, inputs: Tensor, state: DelayedState, lengths: Tensor | None = None) -> None:
        """Torch has no kernel for it."""
        return None

    def start_sizes(self) -> dict[str, int]:
        """One hidden state."""
        return {"hidden": self.hidden_dim}

    def start(self, values: Mapping[str, Tensor]) -> DelayedState:
        """The same hidden state [B, H] at all times before the first input."""
        hidden = values["hidden"]
        return DelayedState(hidden, hidden.unsqueeze(1).repeat(1, self.delay - 1, 1))
