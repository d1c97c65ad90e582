"""The meeting of query and key under a tanh, which additive and concat scores share."""

import torch
from torch import Tensor

ROWS = 16  # inputs taken together on a CPU: few enough that their sums stay in its caches


def tanh_energy(keys: Tensor, query: Tensor, energy: Tensor) -> Tensor:
    """v^T tanh(q + k) for keys and a query that come doubled: v^T (2 sigmoid(2q + 2k) - 1).

    tanh(x) = 2 sigmoid(2x) - 1, and torch's sigmoid is several times as fast as its tanh on a CPU,
    where the tanh of every location at every step would be the dearest part of attending. It runs
    in place, since this is the largest tensor of a step and no gradient needs the sum. The queries
    of many steps are taken one after the other, so that no tensor is larger than that of one step.

    Args:
        keys: twice the projected keys, [B, L, A].
        query: twice the projected query, [B, A], or those of many steps, [B, T, A].
        energy: v, [A].

    Returns:
        Scores [B, L] or [B, T, L].
    """
    if query.dim() == 3:
        return torch.stack([tanh_energy(keys, q, energy) for q in query.unbind(1)], dim=1)
    if keys.is_cpu and not torch.is_grad_enabled():  # nothing is kept for a gradient
        pairs = zip(keys.split(ROWS), query.split(ROWS), strict=True)
        return torch.cat([_energy(k, q, energy) for k, q in pairs])  # [B, L]
    return _energy(keys, query, energy)


def _energy(keys: Tensor, query: Tensor, energy: Tensor) -> Tensor:
    meeting = torch.sigmoid_(keys + query.unsqueeze(1))  # [B, L, A]
    return 2 * (meeting @ energy) - energy.sum()  # [B, L]
