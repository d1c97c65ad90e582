"""Masks of what is real and what is padding, and the one place where attention obeys them."""

import torch
from torch import Tensor


def length_mask(lengths: Tensor, size: int) -> Tensor:
    """True on the first `lengths` [B] of `size` positions T, [B, T]."""
    positions = torch.arange(size, device=lengths.device)  # [T]
    return positions < lengths.unsqueeze(1)  # [B, T]


def masked_softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Softmax over the True of a mask, or over all where it is None.

    The result is exactly 0 outside the mask and its rows sum to 1. Each row of the mask has a True:
    batches are refused where they are made, not here, where looking would stall a GPU.

    Args:
        scores: [B, L], or those of many steps, [B, T, L].
        mask: [B, L], for all steps alike, or of the shape of the scores.
    """
    if mask is not None:
        if mask.dim() < scores.dim():
            mask = mask.unsqueeze(1)  # [B, 1, L]
        scores = scores.masked_fill(~mask, -torch.inf)  # [B, (T,) L]
    return scores.softmax(dim=-1)  # [B, (T,) L]
