"""Which regions of an image are trained on."""

import torch
from torch import Tensor


def by_chance(chosen: Tensor, count: Tensor | int) -> Tensor:
    """As many of the chosen [B, N] of each row, by chance; all where there are no more.

    Args:
        chosen: True on those that may be taken.
        count: how many are taken; of each row, [B], or of all.
    """
    chance = torch.rand(chosen.shape, device=chosen.device) + chosen  # [B, N], chosen ones first
    rank = chance.argsort(dim=1, descending=True).argsort(dim=1)  # [B, N]
    limit = count[:, None] if isinstance(count, Tensor) else count
    return chosen & (rank < limit)
