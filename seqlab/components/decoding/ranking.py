"""Order among scores, with ties broken the same way on every device."""

import torch
from torch import Tensor


def allowed(log_probabilities: Tensor, banned: Tensor) -> Tensor:
    """Log-probabilities [N, V] in at least float32, minus infinity at the banned ids [M]."""
    dtype = torch.promote_types(log_probabilities.dtype, torch.float32)
    log_probabilities = log_probabilities.to(dtype)
    if banned.numel() == 0:
        return log_probabilities
    return log_probabilities.index_fill(1, banned, -torch.inf)  # [N, V]


def descending(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Scores [N, M] from high to low and where they stood; of equals, the first comes first."""
    ordered = scores.sort(dim=1, descending=True, stable=True)
    return ordered.values, ordered.indices


def largest(scores: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest scores of each row of [N, V] and where they stood, as `descending` does.

    torch.topk alone may return any of several equals, and which one differs between devices.
    """
    more = min(count + 1, scores.shape[1])
    values, index = scores.topk(more, dim=1)  # [N, count + 1]
    if more > count and (values[:, -1] == values[:, -2]).any():
        values, index = descending(scores)  # a tie at the border, rare with real scores
        return values[:, :count], index[:, :count]
    index = index[:, :count].sort(dim=1).values  # [N, count]
    values, order = descending(scores.gather(1, index))
    return values, index.gather(1, order)
