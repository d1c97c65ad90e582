"""What a cell with an external memory is: a recurrent cell whose use of the memory can be shown."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from seqlab.components.recurrent.interface import RecurrentCell, State


class MemoryCell(RecurrentCell):
    """A recurrent cell that reads and writes a memory of N slots, which is part of its state.

    It is computed in the precision of its parameters under autocast too: a memory sums up what is
    written over many steps, of which half precision would lose the small part.
    """

    @abstractmethod
    def advance(self, projected: Tensor, state: State, mask: Any) -> tuple[Tensor, State]:
        """`step`, in full precision."""

    @abstractmethod
    def begin(self, values: Mapping[str, Tensor]) -> State:
        """`start`, in full precision."""

    @abstractmethod
    def trace(self, state: State) -> dict[str, Tensor]:
        """What the last step did: weightings [B, N] and gates [B, 1], by the name of each."""

    def step(self, projected: Tensor, state: State, mask: Any = None) -> tuple[Tensor, State]:
        """Output [B, H] and the next state, from an input projected to [B, P]."""
        with torch.autocast(projected.device.type, enabled=False):
            return self.advance(self._full(projected), state, mask)

    def start(self, values: Mapping[str, Tensor]) -> State:
        """The state before the first input, from a vector [B, size] for each of `start_sizes`."""
        device = next(self.parameters()).device.type
        with torch.autocast(device, enabled=False):
            return self.begin({name: self._full(value) for name, value in values.items()})

    def _full(self, tensor: Tensor) -> Tensor:
        return tensor.to(next(self.parameters()).dtype)
