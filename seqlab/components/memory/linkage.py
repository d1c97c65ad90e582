"""In which order slots of a memory were written; Graves et al. (2016), temporal memory linkage.

Letters beside the legend: N slots, R read heads.
"""

import torch
from torch import Tensor


def next_links(links: Tensor, write_weighting: Tensor, precedence: Tensor) -> Tensor:
    """L(i, j) = (1 - w(i) - w(j)) L(i, j) + w(i) p(j), and 0 where i = j.

    L(i, j) says how much slot i was written right after slot j.

    Args:
        links: L of the last step, [B, N, N].
        write_weighting: w of this step, [B, N].
        precedence: p of the last step, [B, N].
    """
    written = write_weighting.unsqueeze(2)  # [B, N, 1]
    kept = (1 - written - write_weighting.unsqueeze(1)) * links  # [B, N, N]
    links = torch.baddbmm(kept, written, precedence.unsqueeze(1))  # [B, N, N]
    return links * off_diagonal(links)  # [B, N, N]


def off_diagonal(links: Tensor) -> Tensor:
    """0 where i = j and 1 elsewhere, [N, N], for links [B, N, N]."""
    return 1 - torch.eye(links.shape[1], dtype=links.dtype, device=links.device)  # [N, N]


def next_precedence(precedence: Tensor, write_weighting: Tensor) -> Tensor:
    """How much each slot was the last to be written: (1 - sum_i w(i)) p + w.

    Args:
        precedence: p of the last step, [B, N].
        write_weighting: w of this step, [B, N].
    """
    left = 1 - write_weighting.sum(dim=1, keepdim=True)  # [B, 1]
    return torch.addcmul(write_weighting, left, precedence)  # [B, N]


def follow(links: Tensor, read_weightings: Tensor) -> tuple[Tensor, Tensor]:
    """What was written before and after what was read last: b = L^T w, f = L w.

    Args:
        links: L of this step, [B, N, N].
        read_weightings: w of the last step, [B, R, N].

    Returns:
        Backward and forward weightings, [B, R, N].
    """
    return torch.bmm(read_weightings, links), torch.bmm(read_weightings, links.mT)  # [B, R, N]
