"""What a cell with an external memory is: a recurrent cell whose use of the memory can be shown."""

from abc import abstractmethod

from torch import Tensor

from seqlab.components.recurrent.interface import RecurrentCell, State


class MemoryCell(RecurrentCell):
    """A recurrent cell that reads and writes a memory of N slots, which is part of its state."""

    @abstractmethod
    def trace(self, state: State) -> dict[str, Tensor]:
        """What the last step did: weightings [B, N] and gates [B, 1], by the name of each."""
