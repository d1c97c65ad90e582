"""Starts a decoder from what its encoder ended with."""

from typing import Any

from torch import Tensor, nn

from seqlab.components.recurrent.interface import RecurrentCell


class Bridge(nn.Module):
    """One tanh layer for each vector of a state; Bahdanau et al. (2015), appendix A.2.2.

    s_0 = tanh(W_s h), and the same with its own matrix for what else the cell can be started from.
    The paper writes no bias; there is one, as in the authors' code.

    Args:
        cell: whose state it makes.
        input_dim: size D of what the state is made from.
    """

    def __init__(self, *, cell: RecurrentCell, input_dim: int) -> None:
        super().__init__()
        self.start = cell.start
        self.fields = nn.ModuleDict(
            {
                name: nn.Sequential(nn.Linear(input_dim, size), nn.Tanh())
                for name, size in cell.start_sizes().items()
            }
        )

    def forward(self, inputs: Tensor) -> Any:
        """State from inputs [B, D]."""
        return self.start({name: layer(inputs) for name, layer in self.fields.items()})
