"""Units that forget at a pace of their own."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqlab.components.init import Initialisation, init_matrices
from seqlab.components.mixing import mix
from seqlab.components.recurrent.interface import RecurrentCell, masked


class LeakyState(NamedTuple):
    """What leaky units hand on."""

    hidden: Tensor  # [B, H]


class LeakyCell(RecurrentCell):
    """Leaky units: h' = (1 - 1/tau) h + 1/tau tanh(W x + U h + b).

    Mozer (1992); Jaeger et al. (2007); Bengio et al. (2013). Each unit has its time
    constant tau. A learned one is 1 / sigmoid(theta), and so always above 1.

    Args:
        input_dim: size E of an input.
        hidden_dim: size H of the state.
        time_constants: the least and the greatest tau at the start, in steps; those of the units
            lie between them, evenly in the logarithm.
        learned: whether they are learned; otherwise they stay.
        initialisation: how its matrices start (`seqlab.components.init`).
        initial_scale: the scale of that; None for the usual one.

    Raises:
        ValueError: the time constants are not in order, or below 1 (or learned and not above 1).
    """

    state_type = LeakyState

    def __init__(
        self,
        *,
        input_dim: int,
        hidden_dim: int,
        time_constants: tuple[float, float],
        learned: bool,
        initialisation: Initialisation = "orthogonal",
        initial_scale: float | None = None,
    ) -> None:
        super().__init__()
        least, greatest = time_constants
        if not 1 <= least <= greatest or (learned and least == 1):
            wanted = "above 1, where they are learned," if learned else "at least 1"
            raise ValueError(f"time_constants={[least, greatest]}: they are {wanted} and in order")
        self.input_dim, self.hidden_dim = input_dim, hidden_dim
        self.projected_dim = hidden_dim
        self.input = nn.Linear(input_dim, hidden_dim)
        self.recurrent = nn.Linear(hidden_dim, hidden_dim, bias=False)
        init_matrices(
            recurrent=[self.recurrent.weight],
            inputs=[self.input.weight],
            initialisation=initialisation,
            scale=initial_scale,
        )
        nn.init.zeros_(self.input.bias)
        rate = 1 / torch.tensor(least).log().lerp(
            torch.tensor(greatest).log(), torch.linspace(0, 1, hidden_dim)
        ).exp().clamp(min=1)  # [H], 1 / tau
        if learned:
            self.theta = nn.Parameter(rate.logit())  # [H]
        else:
            self.register_buffer("fixed_rate", rate)
        self.learned = learned

    @property
    def time_constants(self) -> Tensor:
        """The tau [H] of each unit, in steps."""
        return 1 / self.rate()  # [H]

    def rate(self) -> Tensor:
        """1 / tau of each unit, [H]."""
        return torch.sigmoid(self.theta) if self.learned else self.fixed_rate  # [H]

    def project(self, inputs: Tensor) -> Tensor:
        """Inputs [..., E] to [..., H]."""
        return self.input(inputs)  # [..., H]

    def step(
        self, projected: Tensor, state: LeakyState, mask: Tensor | None = None
    ) -> tuple[Tensor, LeakyState]:
        """Output [B, H] and next state from projected inputs [B, H]."""
        seen = masked(state.hidden, mask)  # [B, H]
        candidate = torch.tanh(torch.addmm(projected, seen, self.recurrent.weight.t()))  # [B, H]
        hidden = mix(state.hidden, candidate, self.rate())  # [B, H]
        return hidden, LeakyState(hidden)

    def fused(self, inputs: Tensor, state: LeakyState, lengths: Tensor | None = None) -> None:
        """Torch has no kernel for it."""
        return None
