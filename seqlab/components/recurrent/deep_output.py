"""A recurrent cell that thinks in several layers before it speaks."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seqlab.components.masking import length_mask
from seqlab.components.recurrent.interface import RecurrentCell, State
from seqlab.components.recurrent.unroll import unroll, zero_padding


class DeepOutputCell(RecurrentCell):
    """Deep output, as in Pascanu et al. (2014), figure 2c, on the output of any cell.

    y_1 = tanh(V_1 h + b_1), y_l = tanh(V_l y_(l-1) + b_l). On a deep transition it is the paper's
    DOT-RNN, with a shortcut DOT(S)-RNN. The state is that of the cell and never sees the output, so
    that over a whole sequence the output layers leave the time loop.

    Args:
        input_dim: size E of an input.
        hidden_dim: size H of the state and of every layer.
        cell: what makes the hidden states.
        depth: number of output layers, besides those of the model that reads the output.

    Raises:
        ValueError: there are no output layers.
    """

    def __init__(
        self, *, input_dim: int, hidden_dim: int, cell: Callable[..., RecurrentCell], depth: int
    ) -> None:
        super().__init__()
        if depth < 1:
            raise ValueError(f"depth={depth}: a deep output has at least one layer")
        self.cell = cell(input_dim=input_dim, hidden_dim=hidden_dim)
        self.layers = nn.ModuleList(nn.Linear(hidden_dim, hidden_dim) for _ in range(depth))
        self.input_dim, self.hidden_dim = input_dim, hidden_dim
        self.projected_dim, self.state_type = self.cell.projected_dim, self.cell.state_type

    def project(self, inputs: Tensor) -> Tensor:
        """The projection of the cell, [..., E] to [..., P]."""
        return self.cell.project(inputs)  # [..., P]

    def speak(self, hidden: Tensor) -> Tensor:
        """Outputs [..., H] of the cell's [..., H]."""
        for layer in self.layers:
            hidden = torch.tanh(layer(hidden))  # [..., H]
        return hidden

    def step(self, projected: Tensor, state: State, mask: Any = None) -> tuple[Tensor, State]:
        """Output [B, H] and the cell's next state from projected inputs [B, P]."""
        hidden, following = self.cell.step(projected, state, mask)  # [B, H]
        return self.speak(hidden), following

    def fused(
        self, inputs: Tensor, state: State, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """All steps of the cell, then the output layers on all of them at once."""
        hidden, last = unroll(self.cell, inputs, state, lengths)  # [B, T, H]
        outputs = self.speak(hidden)  # [B, T, H]
        if lengths is not None:
            outputs = zero_padding(outputs, length_mask(lengths, inputs.shape[1]))  # [B, T, H]
        return outputs, last

    def start_sizes(self) -> dict[str, int]:
        """Those of the cell."""
        return self.cell.start_sizes()

    def start(self, values: Mapping[str, Tensor]) -> State:
        """As the cell."""
        return self.cell.start(values)

    def restart(self, state: State) -> State:
        """As the cell."""
        return self.cell.restart(state)

    def recurrent_mask(self, batch_size: int, dropout: float) -> Any:
        """As the cell."""
        return self.cell.recurrent_mask(batch_size, dropout)
