"""Masks of what is real and what is padding, and the one place where attention obeys them."""

import torch
from torch import Tensor


def length_mask(lengths: Tensor, size: int) -> Tensor:
    """True on the first `lengths` [B] of `size` positions T, [B, T]."""
    positions = torch.arange(size, device=lengths.device)  # [T]
    return positions < lengths.unsqueeze(1)  # [B, T]


def masked_softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Softmax of scores [B, L] over the True of a mask [B, L], or over all where it is None.

    The result is exactly 0 outside the mask and its rows sum to 1. Each row of the mask has a True:
    batches are refused where they are made, not here, where looking would stall a GPU.
    """
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)  # [B, L]
    return scores.softmax(dim=1)  # [B, L]
