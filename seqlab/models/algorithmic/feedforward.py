"""A deep feed-forward network, with which Grid LSTM is compared on parity."""

from typing import Literal

import torch
from torch import Tensor, nn

from seqlab.models.interfaces import AlgorithmicModel


class FeedForward(AlgorithmicModel):
    """Layers of tanh or rectified units, tied or not; Kalchbrenner et al. (2016), section 4.1.

    Args:
        input_dim: size I of an input.
        output_dim: size O of an output.
        num_steps: steps of every sequence, which has to be 1.
        hidden_dim: units H of a layer.
        num_layers: hidden layers, the one that reads the input included.
        nonlinearity: of the units.
        tied: whether all layers after the first share their weights.

    Raises:
        ValueError: there is no layer, or sequences have more than one step.
    """

    def __init__(
        self,
        *,
        input_dim: int,
        output_dim: int,
        num_steps: int,
        hidden_dim: int,
        num_layers: int,
        nonlinearity: Literal["tanh", "relu"],
        tied: bool,
    ) -> None:
        super().__init__()
        if num_steps != 1:
            steps = f"{num_steps} steps" if num_steps else "sequences of several lengths"
            raise ValueError(
                "a feed-forward network remembers nothing: it takes data of 1 step, as "
                f"data=parity has, not of {steps}"
            )
        if num_layers < 1:
            raise ValueError(f"num_layers is at least 1, not {num_layers}")
        self.enter = nn.Linear(input_dim, hidden_dim)
        own = [nn.Linear(hidden_dim, hidden_dim) for _ in range(1 if tied else num_layers - 1)]
        self.layers = nn.ModuleList(own * (num_layers - 1) if tied else own)
        self.activate = torch.tanh if nonlinearity == "tanh" else torch.relu
        for layer in (self.enter, *own):
            nn.init.xavier_uniform_(layer.weight, nn.init.calculate_gain(nonlinearity))
            nn.init.zeros_(layer.bias)
        self.output = nn.Linear(hidden_dim, output_dim)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Outputs [B, 1, O] of inputs [B, 1, I]."""
        hidden = self.activate(self.enter(inputs))  # [B, 1, H]
        for layer in self.layers:
            hidden = self.activate(layer(hidden))  # [B, 1, H]
        return self.output(hidden)  # [B, 1, O]
