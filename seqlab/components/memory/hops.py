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
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    mask: Tensor,
    linear: Tensor | None = None,
    num_empty: Tensor | None = None,
) -> Read:
    """Sukhbaatar et al. (2015), equations 1 and 2: p_i = softmax(u^T m_i), o = sum_i p_i c_i.

    Where there is nothing to read all weights are 0, and so is what is read. Empty memories, m = 0
    and c = 0, take part in the softmax: what they get is read from nowhere.

    Args:
        query: u, [B, D].
        keys: m, [B, N, D].
        values: c, [B, N, D].
        mask: True where a memory is real, [B, N].
        linear: True, [], where the softmax is left out; None where it never is.
        num_empty: how many memories are empty, [B]; None for none.
    """
    scores = torch.einsum("bd,bnd->bn", query, keys)  # [B, N]
    is_empty = ~mask.any(dim=1, keepdim=True)  # [B, 1]
    if num_empty is None:
        weights = masked_softmax(scores, mask | is_empty)  # [B, N]
    else:
        # As many memories that score 0 weigh like one that scores the logarithm of their number.
        nowhere = num_empty.to(scores.dtype).log().unsqueeze(1)  # [B, 1]
        everywhere = torch.cat([scores, nowhere], dim=1)  # [B, N + 1]
        real = torch.cat([mask | is_empty, num_empty.unsqueeze(1) > 0], dim=1)  # [B, N + 1]
        weights = masked_softmax(everywhere, real)[:, :-1]  # [B, N]
    if linear is not None:
        weights = torch.where(linear, scores, weights)  # [B, N]
    weights = weights.masked_fill(~mask, 0.0)  # [B, N]
    return Read(torch.einsum("bn,bnd->bd", weights, values), weights)
