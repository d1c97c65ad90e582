"""Reads a feature map as a set of vectors."""

from torch import Tensor


def locations(features: Tensor) -> Tensor:
    """Vectors [B, L, D] of a feature map [B, D, h, w], numbered row by row.

    Contiguous, since they are multiplied at every step; for a map that is laid out channels last
    that costs no copy.
    """
    return features.flatten(2).transpose(1, 2).contiguous()  # [B, L, D]
