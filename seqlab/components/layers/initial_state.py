"""Starts a recurrent cell from what it is to describe."""

from typing import Any

from torch import Tensor, nn

from seqlab.components.recurrent.interface import RecurrentCell


class InitialState(nn.Module):
    """One perceptron for each vector of a state; f_init,c and f_init,h of Xu et al. (2015), 3.1.2.

    Each is a rectified hidden layer and a tanh layer, as in the authors' code. The cell says what
    it can be started from: each layer of a stack by itself, and no dropout mask.

    Args:
        cell: whose state it makes.
        input_dim: size D of what the state is made from.
    """

    def __init__(self, *, cell: RecurrentCell, input_dim: int) -> None:
        super().__init__()
        self.start = cell.start
        self.fields = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.Linear(input_dim, size), nn.ReLU(), nn.Linear(size, size), nn.Tanh()
                )
                for name, size in cell.start_sizes().items()
            }
        )

    def forward(self, inputs: Tensor) -> Any:
        """State from inputs [B, D]."""
        return self.start({name: layer(inputs) for name, layer in self.fields.items()})
