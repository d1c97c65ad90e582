"""Which slots of a memory are free to be written; Graves et al. (2016), dynamic memory allocation.

Letters beside the legend: N slots, R read heads.
"""

import torch
from torch import Tensor

# Least usage that allocation sees, as in the published code: of a slot that was never used, too,
# there is a logarithm.
USAGE_EPSILON = 1e-6


def retention(free_gates: Tensor, read_weightings: Tensor) -> Tensor:
    """What is not freed after it was read: psi = prod_i (1 - f_i w_i).

    Args:
        free_gates: f, 0 to 1, [B, R, 1].
        read_weightings: w of the last step, [B, R, N].

    Returns:
        [B, N], 0 to 1.
    """
    kept = 1 - free_gates * read_weightings  # [B, R, N]
    result, *rest = kept.unbind(dim=1)  # [B, N]
    for each in rest:
        result = result * each  # [B, N]
    return result


def next_usage(usage: Tensor, write_weighting: Tensor, retained: Tensor) -> Tensor:
    """Used before, or written in the last step, and not freed: (u + w - u w) psi.

    Args:
        usage: u of the last step, [B, N].
        write_weighting: w of the last step, [B, N].
        retained: psi, [B, N].
    """
    return torch.lerp(write_weighting, torch.ones_like(usage), usage) * retained  # [B, N]


def allocation_weighting(usage: Tensor) -> Tensor:
    """The freest slot first: a(phi_j) = (1 - u(phi_j)) prod_(i<j) u(phi_i).

    phi sorts the slots by usage, those of the same usage by their number. The product is taken as
    the exponential of a sum of logarithms.

    Args:
        usage: u, 0 to 1, [B, N].

    Returns:
        a, [B, N], which sums to at most 1.
    """
    usage = USAGE_EPSILON + (1 - USAGE_EPSILON) * usage  # [B, N]
    ascending, order = usage.sort(dim=1, stable=True)  # [B, N]
    logs = ascending.log()  # [B, N]
    before = (logs.cumsum(dim=1) - logs).exp()  # [B, N], the product over those freer
    return torch.zeros_like(usage).scatter(1, order, (1 - ascending) * before)  # [B, N]
