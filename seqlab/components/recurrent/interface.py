"""What a recurrent cell is: explicit state, and an input product that can leave the time loop."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

# A NamedTuple, batch first, of tensors, further states and None. Its first field, `hidden` [B, H],
# is what the cell gives out, or would but for an output layer of its own.
State = Any


class RecurrentCell(nn.Module, ABC):
    """One step of a recurrence; `cell(x, state)` equals `cell.step(cell.project(x), state)`.

    A model asks for it as `recurrent: Callable[..., RecurrentCell]` and calls it with `input_dim`
    and `hidden_dim`.

    Attributes:
        input_dim: size E of an input.
        hidden_dim: size H of the output and of the state's `hidden`.
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
    def step(self, projected: Tensor, state: State, mask: Any = None) -> tuple[Tensor, State]:
        """Output [B, H] and the next state, from an input projected to [B, P].

        Args:
            projected: an input, projected.
            state: what the last step left.
            mask: of `recurrent_mask`, or None. The hidden state is multiplied by it where it enters
                a matrix product, not where it is carried along.
        """

    @abstractmethod
    def fused(
        self, inputs: Tensor, state: State, lengths: Tensor | None = None
    ) -> tuple[Tensor, State] | None:
        """All steps, where there is a faster way than one by one, as in torch's kernels.

        Inputs [B, T, E] give outputs [B, T, H] and the last state. With lengths [B] the outputs are
        0 beyond them and the state is that of each row's last real input. None where torch has no
        kernel for exactly this equation.
        """

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """One step on inputs [B, E]."""
        return self.step(self.project(inputs), state)

    def start_sizes(self) -> dict[str, int]:
        """The sizes of the vectors that a state can be started from, by name."""
        return dict.fromkeys(self.state_type._fields, self.hidden_dim)

    def start(self, values: Mapping[str, Tensor]) -> State:
        """The state before the first input, from a vector [B, size] for each of `start_sizes`."""
        return self.state_type(**values)

    def init_state(self, batch_size: int) -> State:
        """A start from zeros, on the device and in the type of the parameters."""
        parameter = next(self.parameters())
        sizes = self.start_sizes()
        return self.start({name: parameter.new_zeros(batch_size, sizes[name]) for name in sizes})

    def restart(self, state: State) -> State:
        """The state of a new sequence that begins where another, of a cell like this, ended.

        All is kept but what is drawn once per sequence.
        """
        return state

    def recurrent_mask(self, batch_size: int, dropout: float) -> Any:
        """A mask for `step` that drops each hidden unit with that probability: [B, H]."""
        return draw_mask(next(self.parameters()), batch_size, self.hidden_dim, dropout)


def draw_mask(like: Tensor, batch_size: int, size: int, dropout: float) -> Tensor:
    """Mask [B, size] of 0 where a unit is dropped and 1 / (1 - dropout) elsewhere."""
    kept = 1 - dropout
    return like.new_empty(batch_size, size).bernoulli_(kept).div_(kept)  # [B, size]


def masked(hidden: Tensor, mask: Tensor | None) -> Tensor:
    """Hidden state [B, H] as a product sees it."""
    return hidden if mask is None else hidden * mask  # [B, H]
