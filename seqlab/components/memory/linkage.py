"""In which order slots of a memory were written; Graves et al. (2016), temporal memory linkage.

Letters beside the legend: N slots, R read heads.
"""

import torch
from torch import Tensor


def off_diagonal(num_slots: int) -> Tensor:
    """0 where i = j and 1 elsewhere, [N, N]: no slot is written right after itself."""
    return 1 - torch.eye(num_slots)  # [N, N]


def next_links(links: Tensor, write_weighting: Tensor, precedence: Tensor, mask: Tensor) -> Tensor:
    """L(i, j) = (1 - w(i) - w(j)) L(i, j) + w(i) p(j), and 0 where i = j.

    L(i, j) says how much slot i was written right after slot j.

    Args:
        links: L of the last step, [B, N, N].
        write_weighting: w of this step, [B, N].
        precedence: p of the last step, [B, N].
        mask: of `off_diagonal`, [N, N].
    """
    written = write_weighting.unsqueeze(2)  # [B, N, 1]
    kept = (1 - written - write_weighting.unsqueeze(1)) * links  # [B, N, N]
    links = torch.baddbmm(kept, written, precedence.unsqueeze(1))  # [B, N, N]
    return links * mask  # [B, N, N]


def next_precedence(precedence: Tensor, write_weighting: Tensor) -> Tensor:
    """How much each slot was the last to be written: (1 - sum_i w(i)) p + w.

    Args:
        precedence: p of the last step, [B, N].
        write_weighting: w of this step, [B, N].
    """
    left = 1 - write_weighting.sum(dim=1, keepdim=True)  # [B, 1]
    return torch.addcmul(write_weighting, left, precedence)  # [B, N]


def follow(links: Tensor, previous: Tensor, content: Tensor, modes: Tensor) -> Tensor:
    """Reads what was written before what was read last, what is alike, or what was written after.

    pi_1 b + pi_2 c + pi_3 f with b = L^T w and f = L w.

    Args:
        links: L of this step, [B, N, N].
        previous: w of the last step, [B, R, N].
        content: c, [B, R, N].
        modes: pi, backward, content and forward, each row sums to 1, [B, R, 3].

    Returns:
        Weightings [B, R, N].
    """
    backward, alike, forward = modes.split(1, dim=2)  # [B, R, 1] each
    weightings = torch.baddbmm(alike * content, backward * previous, links)  # [B, R, N]
    return torch.baddbmm(weightings, forward * previous, links.mT)  # [B, R, N]
