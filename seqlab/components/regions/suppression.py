"""Non-maximum suppression: of what overlaps much, the best alone is kept."""

import torch
from torch import Tensor


def suppress(overlaps: Tensor, scores: Tensor, labels: Tensor, threshold: float) -> Tensor:
    """Which of N candidates of each image are kept, [B, N].

    Greedy, from the best score down: a candidate is left out if one that was kept before, with the
    same label, overlaps it by more than the threshold. Of equal scores the first comes first. All
    images are done at once: the candidates left out by those kept are found again and again from
    what is kept so far, until nothing changes, which is after as many rounds as the longest chain
    of candidates that depend on each other, and gives what the loop over all of them would.

    Args:
        overlaps: intersection over union of boxes or of masks, [B, N, N].
        scores: [B, N].
        labels: [B, N], below 0 for what is never kept.
        threshold: 0 to 1.
    """
    order = scores.argsort(dim=1, descending=True, stable=True)  # [B, N]
    rank = order.argsort(dim=1)  # [B, N]
    before = rank[:, :, None] < rank[:, None, :]  # [B, N, N], the first is better than the second
    rivals = (overlaps > threshold) & before & (labels[:, :, None] == labels[:, None, :])
    real = labels >= 0  # [B, N]
    kept = real
    while True:
        beaten = (rivals & kept[:, :, None]).any(dim=1)  # [B, N]
        settled = real & ~beaten
        if torch.equal(settled, kept):
            return kept
        kept = settled
