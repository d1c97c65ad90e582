"""Reads a sequence in both directions."""

import torch
from torch import Tensor, nn

from seqlab.components.recurrent.interface import RecurrentCell, State
from seqlab.components.recurrent.unroll import unroll


class Bidirectional(nn.Module):
    """Two cells, one from each end, side by side; Schuster and Paliwal (1997).

    Each cell runs over the sequence in torch's kernel where there is one for it.

    Args:
        forward: reads from the first input to the last.
        backward: reads from the last real input to the first.
    """

    def __init__(self, *, forward: RecurrentCell, backward: RecurrentCell) -> None:
        super().__init__()
        self.forward_cell, self.backward_cell = forward, backward

    @property
    def output_dim(self) -> int:
        """Size of an output, both directions together."""
        return self.forward_cell.hidden_dim + self.backward_cell.hidden_dim

    def forward(self, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, tuple[State, State]]:
        """Read from states of zeros.

        Args:
            inputs: [B, S, E].
            lengths: real inputs of each row, [B], each at least 1.

        Returns:
            Outputs [B, S, 2H], those of the forward cell first, 0 beyond the lengths; the states
            in which the forward cell has read each row's last real input and the backward cell its
            first.
        """
        batch_size = len(inputs)
        ahead, last = unroll(
            self.forward_cell, inputs, self.forward_cell.init_state(batch_size), lengths
        )  # [B, S, H]
        back, first = unroll(
            self.backward_cell,
            reverse(inputs, lengths),
            self.backward_cell.init_state(batch_size),
            lengths,
        )  # [B, S, H]
        return torch.cat([ahead, reverse(back, lengths)], dim=2), (last, first)  # [B, S, 2H]


def reverse(inputs: Tensor, lengths: Tensor) -> Tensor:
    """The first `lengths` [B] of each row [B, S, ...] backwards; the padding stays where it is."""
    positions = torch.arange(inputs.shape[1], device=inputs.device)  # [S]
    from_end = lengths.to(inputs.device).unsqueeze(1) - 1 - positions  # [B, S]
    order = torch.where(from_end < 0, positions, from_end)  # [B, S]
    rows = torch.arange(len(inputs), device=inputs.device).unsqueeze(1)  # [B, 1]
    return inputs[rows, order]  # [B, S, ...]
