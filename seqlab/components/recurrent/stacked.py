"""Recurrent cells on top of each other."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn

from seqlab.components.recurrent.interface import RecurrentCell, State
from seqlab.components.recurrent.unroll import unroll


class StackedState(NamedTuple):
    """What a stack hands on."""

    hidden: Tensor  # [B, H], the output of the top layer
    layers: tuple[State, ...]  # from the bottom


class Stacked(RecurrentCell):
    """Stacked recurrent network: each layer reads the outputs of the one below it.

    Pascanu et al. (2014), figure 2d; Graves (2013), section 2, without connections that skip
    layers. Over a whole sequence one layer is run after the other, each in torch's kernel where
    there is one.

    Args:
        input_dim: size E of an input.
        hidden_dim: size H of the state of every layer.
        cell: what a layer is.
        num_layers: how many there are.
        dropout: probability with which a number is dropped on its way from layer to layer, anew at
            every step; never within a layer (Zaremba et al., 2014).

    Raises:
        ValueError: there is no layer.
    """

    state_type = StackedState

    def __init__(
        self,
        *,
        input_dim: int,
        hidden_dim: int,
        cell: Callable[..., RecurrentCell],
        num_layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        if num_layers < 1:
            raise ValueError(f"num_layers={num_layers}: a stack has at least one layer")
        sizes = [input_dim] + [hidden_dim] * (num_layers - 1)
        self.layers = nn.ModuleList(cell(input_dim=size, hidden_dim=hidden_dim) for size in sizes)
        self.dropout = nn.Dropout(dropout)
        self.input_dim, self.hidden_dim = input_dim, hidden_dim
        self.projected_dim = self.layers[0].projected_dim

    def project(self, inputs: Tensor) -> Tensor:
        """The projection of the lowest layer, [..., E] to [..., P]."""
        return self.layers[0].project(inputs)  # [..., P]

    def step(
        self, projected: Tensor, state: StackedState, mask: tuple[Any, ...] | None = None
    ) -> tuple[Tensor, StackedState]:
        """Output [B, H] of the top layer and next state from projected inputs [B, P]."""
        masks = mask or (None,) * len(self.layers)
        states = []
        output = projected
        for number, layer in enumerate(self.layers):
            if number > 0:
                projected = layer.project(self.dropout(output))  # [B, P]
            output, following = layer.step(projected, state.layers[number], masks[number])  # [B, H]
            states.append(following)
        return output, StackedState(output, tuple(states))

    def fused(
        self, inputs: Tensor, state: StackedState, lengths: Tensor | None = None
    ) -> tuple[Tensor, StackedState]:
        """All steps, layer by layer."""
        states = []
        outputs = inputs  # [B, T, E], then [B, T, H]
        for number, layer in enumerate(self.layers):
            below = self.dropout(outputs) if number > 0 else outputs
            outputs, last = unroll(layer, below, state.layers[number], lengths)
            states.append(last)
        return outputs, StackedState(last_output(outputs, lengths), tuple(states))

    def start_sizes(self) -> dict[str, int]:
        """Those of every layer, their names followed by the layer's number from the bottom."""
        return {
            f"{name}_{number}": size
            for number, layer in enumerate(self.layers)
            for name, size in layer.start_sizes().items()
        }

    def start(self, values: Mapping[str, Tensor]) -> StackedState:
        """Each layer from its own vectors."""
        states = tuple(
            layer.start({name: values[f"{name}_{number}"] for name in layer.start_sizes()})
            for number, layer in enumerate(self.layers)
        )
        return StackedState(states[-1].hidden, states)

    def restart(self, state: StackedState) -> StackedState:
        """Each layer by itself."""
        pairs = zip(self.layers, state.layers, strict=True)
        return StackedState(state.hidden, tuple(layer.restart(own) for layer, own in pairs))

    def recurrent_mask(self, batch_size: int, dropout: float) -> tuple[Any, ...]:
        """A mask for each layer."""
        return tuple(layer.recurrent_mask(batch_size, dropout) for layer in self.layers)


def last_output(outputs: Tensor, lengths: Tensor | None) -> Tensor:
    """The output [B, H] of each row's last real input, of outputs [B, T, H]."""
    if lengths is None:
        return outputs[:, -1]  # [B, H]
    index = (lengths.to(outputs.device) - 1).view(-1, 1, 1).expand(-1, 1, outputs.shape[2])
    return outputs.gather(1, index).squeeze(1)  # [B, H]
