"""The additive score: query and key meet under a tanh."""

from torch import Tensor, nn

from seqlab.components.attention.energy import tanh_energy
from seqlab.components.attention.interface import Score


class AdditiveScore(Score):
    """Score of Bahdanau et al. (2015), appendix A.1.2: v^T tanh(W q + U k).

    Args:
        query_dim: size Q of a query.
        value_dim: size D of a value.
        hidden_dim: size A of the space in which they meet.
    """

    def __init__(self, *, query_dim: int, value_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.query = nn.Linear(query_dim, hidden_dim, bias=False)
        self.key = nn.Linear(value_dim, hidden_dim)
        self.energy = nn.Linear(hidden_dim, 1, bias=False)

    def project(self, values: Tensor) -> Tensor:
        """Keys [B, L, A] of values [B, L, D], doubled as `tanh_energy` takes them."""
        return 2 * self.key(values)  # [B, L, A]

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        """Scores [B, L] of a query [B, Q], or [B, T, L] of queries [B, T, Q]."""
        return tanh_energy(keys, 2 * self.query(query), self.energy.weight[0])  # [B, (T,) L]
