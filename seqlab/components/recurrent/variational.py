"""Dropout that stays the same over a whole sequence."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seqlab.components.recurrent.interface import RecurrentCell, State, draw_mask
from seqlab.components.recurrent.unroll import repeat_step, unroll
from seqlab.components.tree import map_tensors


class VariationalState(NamedTuple):
    """The state of the cell, and what is dropped in this sequence."""

    hidden: Tensor  # [B, H], of the cell
    inner: State  # the cell's
    input_mask: Tensor | None  # [B, E]
    recurrent_mask: Any  # [B, H], or a mask for each layer of a stack, or None


class VariationalCell(RecurrentCell):
    """Variational dropout around any cell; Gal and Ghahramani (2016), with tied weights.

    For each sequence one mask is drawn for the inputs and one for the hidden state; all gates and
    all steps share them. That of the hidden state acts where the state enters a product and not
    where it is carried along, as a GRU does. They are drawn where a state is started in training
    and travel with it, so that a sequence keeps them however it is run. In a stack of such cells
    every layer has its own; a stack within such a cell has one for its input and one for the hidden
    state of each layer.

    Args:
        input_dim: size E of an input.
        hidden_dim: size H of the state.
        cell: what is repeated.
        input_dropout: probability with which a number of the inputs is dropped.
        recurrent_dropout: probability with which a hidden unit is dropped.

    Raises:
        ValueError: a probability is below 0, or 1 and above.
    """

    state_type = VariationalState

    def __init__(
        self,
        *,
        input_dim: int,
        hidden_dim: int,
        cell: Callable[..., RecurrentCell],
        input_dropout: float,
        recurrent_dropout: float,
    ) -> None:
        super().__init__()
        for name, value in (
            ("input_dropout", input_dropout),
            ("recurrent_dropout", recurrent_dropout),
        ):
            if not 0 <= value < 1:
                raise ValueError(f"{name}={value}: a probability from 0 to below 1")
        self.cell = cell(input_dim=input_dim, hidden_dim=hidden_dim)
        self.input_dropout, self.recurrent_dropout = input_dropout, recurrent_dropout
        self.input_dim, self.hidden_dim = input_dim, hidden_dim
        self.projected_dim = input_dim

    def project(self, inputs: Tensor) -> Tensor:
        """The inputs [..., E] themselves: their mask, in the state, precedes any product."""
        return inputs

    def step(
        self, projected: Tensor, state: VariationalState, mask: Any = None
    ) -> tuple[Tensor, VariationalState]:
        """Output [B, H] and next state from inputs [B, E]."""
        if state.input_mask is not None:
            projected = projected * state.input_mask  # [B, E]
        both = both_masks(state.recurrent_mask, mask)
        output, inner = self.cell.step(self.cell.project(projected), state.inner, both)  # [B, H]
        return output, state._replace(hidden=inner.hidden, inner=inner)

    def fused(
        self, inputs: Tensor, state: VariationalState, lengths: Tensor | None = None
    ) -> tuple[Tensor, VariationalState]:
        """All steps, the inputs masked and projected at once; as the cell where it can be."""
        if state.input_mask is not None:
            inputs = inputs * state.input_mask.unsqueeze(1)  # [B, T, E]
        if state.recurrent_mask is None:
            outputs, inner = unroll(self.cell, inputs, state.inner, lengths)  # [B, T, H]
        else:
            step = partial(self.cell.step, mask=state.recurrent_mask)
            outputs, inner = repeat_step(step, self.cell.project(inputs), state.inner, lengths)
        return outputs, state._replace(hidden=inner.hidden, inner=inner)

    def start_sizes(self) -> dict[str, int]:
        """Those of the cell."""
        return self.cell.start_sizes()

    def start(self, values: Mapping[str, Tensor]) -> VariationalState:
        """The cell's start, and in training masks of what this sequence is to miss."""
        return self.with_masks(self.cell.start(values))

    def restart(self, state: VariationalState) -> VariationalState:
        """The cell's, with masks drawn anew."""
        return self.with_masks(self.cell.restart(state.inner))

    def with_masks(self, inner: State) -> VariationalState:
        """A state of the cell together with masks, None where nothing is dropped."""
        hidden = inner.hidden  # [B, H]
        input_mask = recurrent_mask = None
        if self.training and self.input_dropout > 0:
            input_mask = draw_mask(hidden, len(hidden), self.input_dim, self.input_dropout)
        if self.training and self.recurrent_dropout > 0:
            recurrent_mask = self.cell.recurrent_mask(len(hidden), self.recurrent_dropout)
        return VariationalState(hidden, inner, input_mask, recurrent_mask)

    def recurrent_mask(self, batch_size: int, dropout: float) -> Any:
        """As the cell."""
        return self.cell.recurrent_mask(batch_size, dropout)


def both_masks(one: Any, other: Any) -> Any:
    """What passes both of two masks, each of which may be None."""
    if one is None or other is None:
        return one if other is None else other
    return map_tensors(torch.mul, one, other)
