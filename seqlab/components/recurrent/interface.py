"""What a recurrent cell is: explicit state, and an input product that can leave the time loop."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

# A NamedTuple of tensors [B, H]; its first field, `hidden`, is what the cell gives out.
State = Any


class RecurrentCell(nn.Module, ABC):
    """One step of a recurrence; `cell(x, state)` equals `cell.step(cell.project(x), state)`.

    A model asks for it as `recurrent: Callable[..., RecurrentCell]` and calls it with `input_dim`
    and `hidden_dim`.

    Attributes:
        input_dim: size E of an input.
        hidden_dim: size H of the output and of every field of the state.
        projected_dim: size P of a projected input, all gates together.
        state_type: the NamedTuple of its state.
    """

    input_dim: int
    hidden_dim: int
    projected_dim: int
    state_type: type

    @abstractmethod
    def project(self, inputs: Tensor) -> Tensor:
        """The product that no state changes: inputs [..., E] to [..., P], biases included."""

    @abstractmethod
    def step(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """Output [B, H] and the next state, from an input projected to [B, P]."""

    @abstractmethod
    def fused(
        self, inputs: Tensor, state: State, lengths: Tensor | None = None
    ) -> tuple[Tensor, State] | None:
        """All steps in torch's kernel: inputs [B, T, E] to outputs [B, T, H] and the last state.

        With lengths [B] the outputs are 0 beyond them and the state is that of each row's last real
        input. None where torch has no kernel for exactly this equation.
        """

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """One step on inputs [B, E]."""
        return self.step(self.project(inputs), state)

    def init_state(self, batch_size: int) -> State:
        """A state of zeros, on the device and in the type of the parameters."""
        parameter = next(self.parameters())
        zeros = parameter.new_zeros(batch_size, self.hidden_dim)  # [B, H]
        return self.state_type(*(zeros for _ in self.state_type._fields))
