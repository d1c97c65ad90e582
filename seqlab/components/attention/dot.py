"""The dot score: query and value are compared as they are."""

import torch
from torch import Tensor

from seqlab.components.attention.interface import Score


class DotScore(Score):
    """Score of Luong et al. (2015), equation 8: q^T k, where a key is the value itself.

    Args:
        query_dim: size Q of a query.
        value_dim: size D of a value, which must be Q.

    Raises:
        ValueError: the sizes differ.
    """

    def __init__(self, *, query_dim: int, value_dim: int) -> None:
        super().__init__()
        if query_dim != value_dim:
            raise ValueError(
                f"the dot score compares vectors of one size, but queries have {query_dim} numbers "
                f"and values {value_dim}: use the score general, additive or concat, or give the "
                f"model hidden_dim={value_dim}"
            )

    def project(self, values: Tensor) -> Tensor:
        """The values [B, L, D] themselves."""
        return values  # [B, L, D]

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        """Scores [B, L] of a query [B, Q], or [B, T, L] of queries [B, T, Q]."""
        return torch.einsum("b...d,bld->b...l", query, keys)  # [B, (T,) L]
