"""Runs a recurrent cell over a sequence, in torch's kernel where there is one."""

import torch
from torch import Tensor

from seqlab.components.masking import length_mask
from seqlab.components.recurrent.interface import RecurrentCell, State


def unroll(
    cell: RecurrentCell, inputs: Tensor, state: State, lengths: Tensor | None = None
) -> tuple[Tensor, State]:
    """All steps of a cell.

    Args:
        cell: what is repeated.
        inputs: [B, T, E].
        state: where it starts, batch first.
        lengths: real inputs of each row, [B], each at least 1; None where all are real.

    Returns:
        Outputs [B, T, H], 0 beyond the lengths, and the state after each row's last real input.
    """
    fused = cell.fused(inputs, state, lengths)
    if fused is not None:
        return fused
    real = None if lengths is None else length_mask(lengths, inputs.shape[1])  # [B, T]
    outputs = []
    for t, projected in enumerate(cell.project(inputs).unbind(dim=1)):  # [B, P]
        output, following = cell.step(projected, state)  # [B, H]
        if real is not None:
            keep = real[:, t].unsqueeze(1)  # [B, 1]
            output = torch.where(keep, output, 0)  # [B, H]
            pairs = zip(following, state, strict=True)
            following = cell.state_type(*(torch.where(keep, new, old) for new, old in pairs))
        state = following
        outputs.append(output)
    return torch.stack(outputs, dim=1), state
