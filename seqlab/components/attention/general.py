"""The general score: a bilinear form of query and value."""

import torch
from torch import Tensor, nn

from seqlab.components.attention.interface import Score


class GeneralScore(Score):
    """Score of Luong et al. (2015), equation 8: q^T W k, where a key is the value itself.

    W is applied to the query: one vector per step costs less than one per location as long as an
    input is queried less often than it has locations, and no second copy of the values is kept.
    Where query and value have one size, W starts as the identity and the score as a dot product:
    from a random W a decoder may take many epochs to find where to look.

    Args:
        query_dim: size Q of a query.
        value_dim: size D of a value.
    """

    def __init__(self, *, query_dim: int, value_dim: int) -> None:
        super().__init__()
        self.query = nn.Linear(query_dim, value_dim, bias=False)  # its weight is W^T
        if query_dim == value_dim:
            nn.init.eye_(self.query.weight)

    def project(self, values: Tensor) -> Tensor:
        """The values [B, L, D] themselves."""
        return values  # [B, L, D]

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        """Scores [B, L] of a query [B, Q], or [B, T, L] of queries [B, T, Q]."""
        return torch.einsum("b...d,bld->b...l", self.query(query), keys)  # [B, (T,) L]
