"""The concat score: one matrix over query and key side by side."""

import torch.nn.functional as F
from torch import Tensor, nn

from seqlab.components.attention.energy import tanh_energy
from seqlab.components.attention.interface import Score


class ConcatScore(Score):
    """Score of Luong et al. (2015), equation 8: v^T tanh(W [q; k]).

    W [q; k] is W_q q + W_k k with the halves of one matrix, so the pairs are never laid side by
    side and the product with the keys is made once per input.

    Args:
        query_dim: size Q of a query.
        value_dim: size D of a value.
        hidden_dim: size A of the space in which they meet.
    """

    def __init__(self, *, query_dim: int, value_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.query_dim = query_dim
        self.pair = nn.Linear(query_dim + value_dim, hidden_dim, bias=False)
        self.energy = nn.Linear(hidden_dim, 1, bias=False)

    def project(self, values: Tensor) -> Tensor:
        """Keys [B, L, A] of values [B, L, D], doubled as `tanh_energy` takes them."""
        return 2 * F.linear(values, self.pair.weight[:, self.query_dim :])  # [B, L, A]

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        """Scores [B, L] of a query [B, Q], or [B, T, L] of queries [B, T, Q]."""
        projected = 2 * F.linear(query, self.pair.weight[:, : self.query_dim])  # [B, (T,) A]
        return tanh_energy(keys, projected, self.energy.weight[0])  # [B, (T,) L]
