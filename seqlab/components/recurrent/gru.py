"""The gated recurrent unit, with its reset gate on either side of the product."""

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqlab.components.init import Initialisation
from seqlab.components.mixing import mix
from seqlab.components.recurrent.interface import RecurrentCell, masked
from seqlab.components.recurrent.kernel import init_kernel, run_kernel


class GRUState(NamedTuple):
    """What a GRU hands on."""

    hidden: Tensor  # [B, H]


class GRUCell(RecurrentCell):
    """Gated recurrent unit of Cho et al. (2014), in one of its two forms.

    With r, z = sigmoid(W x + U h + b):

    - `reset="before"`, the papers' (Cho et al., 2014; written as in Bahdanau et al., 2015,
      appendix A.1.1): h~ = tanh(W x + U (r h) + b), h' = (1 - z) h + z h~. Torch has no kernel.
    - `reset="after"`, cuDNN's and `nn.GRU`'s: h~ = tanh(W x + b + r (U h + b')),
      h' = (1 - z) h~ + z h, in which z means the opposite. Torch's kernel is used.

    The parameters are those of an `nn.GRU`, its gates in the order r, z, h~.

    Args:
        input_dim: size E of an input.
        hidden_dim: size H of the state.
        reset: whether the reset gate acts before or after the product with U.
        initialisation: how its matrices start (`seqlab.components.init`).
        initial_scale: the scale of that; None for the usual one.

    Raises:
        ValueError: `reset` is neither.
    """

    state_type = GRUState

    def __init__(
        self,
        *,
        input_dim: int,
        hidden_dim: int,
        reset: Literal["before", "after"],
        initialisation: Initialisation = "orthogonal",
        initial_scale: float | None = None,
    ) -> None:
        super().__init__()
        if reset not in ("before", "after"):
            raise ValueError(f"reset={reset!r} is neither 'before' nor 'after'")
        self.input_dim, self.hidden_dim = input_dim, hidden_dim
        self.projected_dim = 3 * hidden_dim
        self.reset = reset
        self.kernel = nn.GRU(input_dim, hidden_dim, batch_first=True)
        init_kernel(self.kernel, initialisation, initial_scale)

    def project(self, inputs: Tensor) -> Tensor:
        """Inputs [..., E] to the two gates and the candidate [..., 3H]."""
        return F.linear(inputs, self.kernel.weight_ih_l0, self.kernel.bias_ih_l0)  # [..., 3H]

    def step(
        self, projected: Tensor, state: GRUState, mask: Tensor | None = None
    ) -> tuple[Tensor, GRUState]:
        """Output [B, H] and next state from projected inputs [B, 3H]."""
        following = self.step_before if self.reset == "before" else self.step_after
        seen = masked(state.hidden, mask)  # [B, H]
        hidden = following(projected, state.hidden, seen)  # [B, H]
        return hidden, GRUState(hidden)

    def step_before(self, projected: Tensor, h: Tensor, seen: Tensor) -> Tensor:
        """The next hidden state [B, H] of the papers' form; products see h as `seen`."""
        split = [2 * self.hidden_dim, self.hidden_dim]
        gates, candidate = projected.split(split, dim=1)  # [B, 2H], [B, H]
        U_gates, U = self.kernel.weight_hh_l0.split(split)  # [2H, H], [H, H]
        b_gates, b = self.kernel.bias_hh_l0.split(split)  # [2H], [H]
        gates = torch.sigmoid(gates + F.linear(seen, U_gates, b_gates))  # [B, 2H]
        r, z = gates.chunk(2, dim=1)  # each [B, H]
        candidate = torch.tanh(candidate + F.linear(r * seen, U, b))  # [B, H]
        return mix(h, candidate, z)  # [B, H], (1 - z) h + z h~

    def step_after(self, projected: Tensor, h: Tensor, seen: Tensor) -> Tensor:
        """The next hidden state [B, H] of torch's form; products see h as `seen`."""
        x_r, x_z, x = projected.chunk(3, dim=1)  # each [B, H]
        recurrent = F.linear(seen, self.kernel.weight_hh_l0, self.kernel.bias_hh_l0)  # [B, 3H]
        h_r, h_z, h_candidate = recurrent.chunk(3, dim=1)  # each [B, H]
        r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)  # each [B, H]
        candidate = torch.tanh(torch.addcmul(x, r, h_candidate))  # [B, H]
        return mix(candidate, h, z)  # [B, H], (1 - z) h~ + z h

    def fused(
        self, inputs: Tensor, state: GRUState, lengths: Tensor | None = None
    ) -> tuple[Tensor, GRUState] | None:
        """All steps in torch's kernel, where the reset gate acts after the product."""
        if self.reset == "before":
            return None
        outputs, fields = run_kernel(self.kernel, inputs, state, lengths)
        return outputs, GRUState(*fields)
