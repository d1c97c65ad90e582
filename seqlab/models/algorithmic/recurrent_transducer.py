"""A recurrent cell that gives out something at each step: LSTM, NTM, DNC."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from seqlab.components.memory.interface import MemoryCell
from seqlab.components.recurrent.interface import RecurrentCell
from seqlab.components.recurrent.unroll import unroll
from seqlab.models.interfaces import AlgorithmicModel


class RecurrentTransducer(AlgorithmicModel):
    """Reads a vector and gives one out at every step, whatever cell does it.

    With a memory cell this is the neural Turing machine of Graves et al. (2014) or the
    differentiable neural computer of Graves et al. (2016); with stacked LSTMs it is what both are
    compared with.

    Args:
        input_dim: size I of an input.
        output_dim: size O of an output.
        recurrent: what is repeated.
        hidden_dim: size H of its output.
    """

    def __init__(
        self,
        *,
        input_dim: int,
        output_dim: int,
        recurrent: Callable[..., RecurrentCell],
        hidden_dim: int,
    ) -> None:
        super().__init__()
        self.cell = recurrent(input_dim=input_dim, hidden_dim=hidden_dim)
        self.output = nn.Linear(hidden_dim, output_dim)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Outputs [B, T, O] of inputs [B, T, I]; those of padding mean nothing, and do no harm."""
        outputs, _ = unroll(self.cell, inputs, self.cell.init_state(len(inputs)))  # [B, T, H]
        return self.output(outputs)  # [B, T, O]

    def trace(self, inputs: Tensor) -> dict[str, Tensor]:
        """Weightings [T, N] and gates [T, 1] of a memory cell on one sequence [T, I]."""
        if not isinstance(self.cell, MemoryCell):
            return {}
        state = self.cell.init_state(1)
        steps = []
        for projected in self.cell.project(inputs.unsqueeze(1)):  # [1, P]
            _, state = self.cell.step(projected, state)
            steps.append(self.cell.trace(state))
        return {name: torch.cat([step[name] for step in steps]) for name in steps[0]}  # [T, N]
