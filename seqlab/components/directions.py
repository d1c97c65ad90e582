"""Directions in space: unit vectors, and the angles between them."""

import torch
from torch import Tensor
from torch.nn import functional as F


def unit(vectors: Tensor) -> Tensor:
    """Vectors [B, 3, ...] brought to length 1, in full precision."""
    return F.normalize(vectors.float(), dim=1, eps=1e-6)


def angles(first: Tensor, second: Tensor) -> Tensor:
    """Angles in radians, [B, ...], between unit vectors [B, 3, ...].

    2 atan2(|a - b|, |a + b|): exact for small angles too, where the arc cosine of a product is not.
    """
    apart = torch.linalg.vector_norm(first - second, dim=1)  # [B, ...]
    together = torch.linalg.vector_norm(first + second, dim=1)  # [B, ...]
    return 2 * torch.atan2(apart, together)


def cosine_distance(vectors: Tensor, normals: Tensor) -> tuple[Tensor, Tensor]:
    """The sum over known pixels of 1 - cos of the angle to the truth, and their number.

    Args:
        vectors: of any length above 0, [B, 3, height, width].
        normals: of length 1, or 0 where they are not known, [B, 3, height, width].
    """
    known = normals.square().sum(dim=1) > 0  # [B, height, width]
    cosines = (unit(vectors) * normals).sum(dim=1)  # [B, height, width]
    return (1 - cosines).masked_fill(~known, 0.0).sum(), known.sum()
