"""Two GRU transitions with a look at the source between them."""

from collections.abc import Mapping
from typing import Literal

from torch import Tensor, nn

from seqlab.components.attention.interface import Attended, Attention, Prepared
from seqlab.components.init import Initialisation
from seqlab.components.recurrent.gru import GRUCell, GRUState


class ConditionalGRU(nn.Module):
    """Conditional GRU with attention, cGRU; Sennrich et al. (2017).

    s' = GRU_1(y, s), c = ATT(C, s'), s = GRU_2(c, s'): the word is known before the source is
    looked at. First in Firat and Cho's dl4mt-tutorial, session 2. Like a recurrent cell it projects
    its inputs outside the time loop and can be started by an `InitialState`.

    Args:
        attention: ATT, with queries of size H and values of size D.
        input_dim: size E of an input y.
        hidden_dim: size H of the state.
        value_dim: size D of a context c.
        reset: whether the reset gates act before or after the product with U; after in the paper.
        initialisation: how its matrices start (`seqlab.components.init`).
        initial_scale: the scale of that; None for the usual one.
    """

    state_type = GRUState

    def __init__(
        self,
        *,
        attention: Attention,
        input_dim: int,
        hidden_dim: int,
        value_dim: int,
        reset: Literal["before", "after"],
        initialisation: Initialisation = "orthogonal",
        initial_scale: float | None = None,
    ) -> None:
        super().__init__()
        self.attention = attention
        self.first, self.second = (
            GRUCell(
                input_dim=size,
                hidden_dim=hidden_dim,
                reset=reset,
                initialisation=initialisation,
                initial_scale=initial_scale,
            )
            for size in (input_dim, value_dim)
        )
        self.input_dim, self.hidden_dim = input_dim, hidden_dim
        self.projected_dim = self.first.projected_dim

    def project(self, inputs: Tensor) -> Tensor:
        """The product that no state changes: inputs [..., E] to [..., 3H]."""
        return self.first.project(inputs)  # [..., 3H]

    def step(
        self, projected: Tensor, state: GRUState, memory: Prepared
    ) -> tuple[Tensor, GRUState, Attended]:
        """Output [B, H], next state and what was read, from projected inputs [B, 3H]."""
        query, between = self.first.step(projected, state)  # [B, H]
        read = self.attention(query, memory)
        output, following = self.second(read.context, between)  # [B, H]
        return output, following, read

    def forward(
        self, inputs: Tensor, state: GRUState, memory: Prepared
    ) -> tuple[Tensor, GRUState, Attended]:
        """One step on inputs [B, E]."""
        return self.step(self.project(inputs), state, memory)

    def init_state(self, batch_size: int) -> GRUState:
        """A state of zeros."""
        return self.first.init_state(batch_size)

    def start_sizes(self) -> dict[str, int]:
        """One hidden state."""
        return self.first.start_sizes()

    def start(self, values: Mapping[str, Tensor]) -> GRUState:
        """The state before the first input."""
        return self.first.start(values)
