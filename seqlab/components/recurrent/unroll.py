"""Runs a recurrent cell over a sequence, in torch's kernel where there is one."""

from collections.abc import Callable

import torch
from torch import Tensor

from seqlab.components.masking import length_mask
from seqlab.components.recurrent.interface import RecurrentCell, State
from seqlab.components.tree import map_tensors


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
    return repeat_step(cell.step, cell.project(inputs), state, lengths)


def repeat_step(
    step: Callable[[Tensor, State], tuple[Tensor, State]],
    projected: Tensor,
    state: State,
    lengths: Tensor | None,
) -> tuple[Tensor, State]:
    """One step after the other, on projected inputs [B, T, P]; results as those of `unroll`."""
    real = None if lengths is None else length_mask(lengths, projected.shape[1])  # [B, T]
    outputs = []
    for t, each in enumerate(projected.unbind(dim=1)):  # [B, P]
        output, following = step(each, state)  # [B, H]
        state = following if real is None else choose_rows(real[:, t], following, state)
        outputs.append(output)
    stacked = torch.stack(outputs, dim=1)  # [B, T, H]
    return stacked if real is None else zero_padding(stacked, real), state


def choose_rows(rows: Tensor, new: State, old: State) -> State:
    """A state with the new rows where `rows` [B] is True and the old ones elsewhere."""

    def choose(new: Tensor, old: Tensor) -> Tensor:
        if new is old:  # masks, which no step changes
            return old
        return torch.where(rows.view(-1, *(1 for _ in new.shape[1:])), new, old)  # [B, ...]

    return map_tensors(choose, new, old)


def zero_padding(outputs: Tensor, real: Tensor) -> Tensor:
    """Outputs [B, T, H] with 0 where `real` [B, T] is False."""
    return torch.where(real.unsqueeze(2), outputs, 0)  # [B, T, H]
