"""Connections by which the gates of an LSTM see its cell."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Peepholes(nn.Module):
    """One weight per unit and gate, from the cell to the gate; Gers and Schmidhuber (2000).

    They start at 0.

    Args:
        gates: which gates have them.
        allowed: which gates there are.
        hidden_dim: size H of the cell.

    Raises:
        ValueError: there is no such gate, or one is named twice.
    """

    def __init__(self, *, gates: Sequence[str], allowed: Sequence[str], hidden_dim: int) -> None:
        super().__init__()
        if len(set(gates)) < len(gates) or not set(gates) <= set(allowed):
            known = ", ".join(allowed)
            raise ValueError(f"peepholes={list(gates)}: each is one of {known}, and named once")
        self.weights = nn.ParameterDict({gate: torch.zeros(hidden_dim) for gate in gates})

    def forward(self, gate: str, total: Tensor, cell: Tensor) -> Tensor:
        """What enters a gate [B, H], with what it sees of the cell [B, H] added."""
        if gate not in self.weights:
            return total
        return torch.addcmul(total, self.weights[gate], cell)  # [B, H]
