"""One hop: a query reads a memory of vectors."""

from typing import NamedTuple

import torch
from torch import Tensor

from seqlab.components.masking import masked_softmax


class Read(NamedTuple):
    """What a hop read."""

    output: Tensor  # [B, D]
    weights: Tensor  # [B, N], exactly 0 outside the mask


def read_memory(
    query: Tensor, keys: Tensor, values: Tensor, mask: Tensor, linear: Tensor | None = None
) -> Read:
    """Sukhbaatar et al. (2015), equations 1 and 2: p_i = softmax(u^T m_i), o = sum_i p_i c_i.

    Where there is nothing to read all weights are 0, and so is what is read.

    Args:
        query: u, [B, D].
        keys: m, [B, N, D].
        values: c, [B, N, D].
        mask: True where a memory is real, [B, N].
        linear: True, [], where the softmax is left out; None where it never is.
    """
    scores = torch.einsum("bd,bnd->bn", query, keys)  # [B, N]
    is_empty = ~mask.any(dim=1, keepdim=True)  # [B, 1]
    weights = masked_softmax(scores, mask | is_empty)  # [B, N]
    if linear is not None:
        weights = torch.where(linear, scores, weights)  # [B, N]
    weights = weights.masked_fill(~mask, 0.0)  # [B, N]
    return Read(torch.einsum("bn,bnd->bd", weights, values), weights)
