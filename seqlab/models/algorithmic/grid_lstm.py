"""Grid LSTM with LSTM cells along the depth: 1-LSTM for one step, 2-LSTM for sequences."""

import torch
from torch import Tensor, nn

from seqlab.components.grid.block import Dimension
from seqlab.components.grid.grid import GridLSTM
from seqlab.models.interfaces import AlgorithmicModel


class GridLSTMTransducer(AlgorithmicModel):
    """LSTM cells from layer to layer too; Kalchbrenner et al. (2016), sections 3.4 and 4.1 to 4.3.

    An input is projected to a hidden and a memory vector, which enter the lowest layer; the output
    is made of both as they leave the highest. Where every sequence has one step the grid has one
    dimension, the depth: the 1-LSTM of section 4.1. Otherwise it has two, time and depth: the
    2-LSTM of sections 4.2 and 4.3, which zeros enter along time.

    Args:
        input_dim: size I of an input.
        output_dim: size O of an output.
        num_steps: steps of every sequence; 0 where sequences differ.
        hidden_dim: size H of every vector in the grid.
        num_layers: blocks along the depth.
        tied: whether all layers share their weights.
        depth_priority: whether a block computes the depth last, from the new hidden vector of time
            (section 3.2); only where there is time.
        forget_bias: where the biases of the forget gates start; the paper names none.

    Raises:
        ValueError: there is no layer, or the depth has priority over nothing.
    """

    def __init__(
        self,
        *,
        input_dim: int,
        output_dim: int,
        num_steps: int,
        hidden_dim: int,
        num_layers: int,
        tied: bool,
        depth_priority: bool,
        forget_bias: float,
    ) -> None:
        super().__init__()
        if num_layers < 1:
            raise ValueError(f"num_layers is at least 1, not {num_layers}")
        self.num_layers, self.has_time = num_layers, num_steps != 1
        if depth_priority and not self.has_time:
            raise ValueError(
                "sequences of one step have no time over which depth_priority would be"
            )
        depth = Dimension(untied=None if tied else num_layers, priority=depth_priority)
        self.enter = nn.Linear(input_dim, 2 * hidden_dim)
        self.grid = GridLSTM(
            hidden_dim=hidden_dim,
            dimensions=(Dimension(), depth) if self.has_time else (depth,),
            forget_bias=forget_bias,
        )
        self.output = nn.Linear(2 * hidden_dim, output_dim)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Outputs [B, T, O] of inputs [B, T, I]; those of padding mean nothing, and do no harm."""
        hidden, memory = self.enter(inputs).chunk(2, dim=2)  # each [B, T, H]
        if self.has_time:
            extents = (inputs.shape[1], self.num_layers)
            left = self.grid(extents, (None, hidden), (None, memory))
        else:
            left = self.grid((self.num_layers,), (hidden[:, 0],), (memory[:, 0],))
        read = torch.cat([left.hidden[-1], left.memory[-1]], dim=-1)  # [B, (T,) 2 H]
        return self.output(read.view(*inputs.shape[:2], -1))  # [B, T, O]
