"""What single steps of a decoder have read, as one."""

from collections.abc import Sequence

import torch
from torch import Tensor

from seqlab.components.attention.interface import Attended


def stack_steps(steps: Sequence[tuple[Tensor, Attended]]) -> tuple[Tensor, Attended]:
    """Outputs [B, T, H] and reads of T steps, from the output [B, H] and the read of each."""
    outputs, reads = zip(*steps, strict=True)
    return torch.stack(outputs, dim=1), Attended(
        *(torch.stack(parts, dim=1) for parts in zip(*reads, strict=True))
    )
