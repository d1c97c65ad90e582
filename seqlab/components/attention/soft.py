"""Soft selection: everything is read, each value as much as its weight."""

import torch
from torch import Tensor

from seqlab.components.attention.interface import Attended, Attention, Prepared, Score
from seqlab.components.masking import masked_softmax


class SoftAttention(Attention):
    """Expected value under the softmax of the scores; Xu et al. (2015), equations 4 to 6 and 13.

    Args:
        score: how well a value answers a query.
    """

    def __init__(self, *, score: Score) -> None:
        super().__init__()
        self.score = score

    def prepare(self, values: Tensor, mask: Tensor | None = None) -> Prepared:
        """Project values [B, L, D] once; the mask [B, L] is True where a value is real."""
        return Prepared(values, self.score.project(values), mask)

    def forward(
        self, query: Tensor, prepared: Prepared, position: Tensor | None = None
    ) -> Attended:
        """Read with queries [B, Q] or [B, T, Q]; the position changes nothing."""
        weights = masked_softmax(self.score(query, prepared.keys), prepared.mask)  # [B, (T,) L]
        return Attended(read(weights, prepared.values), weights, weights)


def read(weights: Tensor, values: Tensor) -> Tensor:
    """Sums [B, D] or [B, T, D] of values [B, L, D] by weights [B, L] or [B, T, L]."""
    return torch.einsum("b...l,bld->b...d", weights, values)  # [B, (T,) D]
