"""Grid LSTM: blocks of LSTMs in an N-dimensional grid."""

from collections.abc import Sequence
from math import prod, sqrt
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seqlab.components.grid import wavefront
from seqlab.components.grid.block import Dimension, Phase, phases
from seqlab.components.grid.layout import Routing, leave_early, routing
from seqlab.components.masking import length_mask


class Vectors(NamedTuple):
    """What enters or leaves a grid, side by side: one entry for each of its N dimensions.

    The vectors that travel along dimension k are [B, E_1, ..., E_N, H] without E_k.
    """

    hidden: tuple[Tensor | None, ...]  # None in dimensions along which nothing leaves
    memory: tuple[Tensor | None, ...]  # None in dimensions without LSTM


class GridLSTM(nn.Module):
    """A grid of N-dimensional blocks; Kalchbrenner et al. (2016), sections 3.1 to 3.5.

    A block takes a hidden and a memory vector from its predecessor in each dimension. With
    H = [h_1; ...; h_N] it gives, in each dimension k,

        u, f, o = sigmoid(W_k H + b_k),  c = tanh(W_k H + b_k)
        m'_k = f * m_k + u * c,          h'_k = tanh(o * m'_k)

    or h'_k = a(W_k H + b_k) where it has no LSTM. A dimension with priority has in its H the new
    h' of the dimensions without. The paper writes no biases; they start at 0 here, but for f's.

    All blocks whose coordinates have one sum are computed at once, whichever weights they use. The
    gradients of the gates need no memory beyond `wavefront.KEPT_BYTES`: see there.

    Weights are shared by the positions along a dimension unless it is untied. Sharing "along all
    dimensions" is that of positions too: the paper's tied 2-LSTM with 6 layers of 1000 units and
    205 symbols has 16.8 million parameters, which is 2 dimensions x 4 x 1000 x 2000 and the
    projections of the symbols to and from h and m, so W_1 and W_2 differ.

    Args:
        hidden_dim: size H of every hidden and memory vector.
        dimensions: how blocks are connected along each of the N dimensions.
        forget_bias: where the biases of the forget gates start.

    Attributes:
        weights: for each dimension that gives something out, the gates' weights in the order
            u, f, o, c, [U, 4 H, N H], or [U, H, N H] where it has no LSTM. U counts the positions
            of the untied dimensions, in the order of the sum of their coordinates, of equal sums
            the first dimension's first.
        biases: as many biases, [U, 4 H] or [U, H].

    Raises:
        ValueError: if no dimension gives something out without priority.
    """

    gate_scale: Tensor

    def __init__(
        self, *, hidden_dim: int, dimensions: Sequence[Dimension], forget_bias: float
    ) -> None:
        super().__init__()
        if not any(dimension.gives and not dimension.priority for dimension in dimensions):
            raise ValueError("a grid has a dimension without priority that gives something out")
        self.hidden_dim, self.dimensions = hidden_dim, tuple(dimensions)
        self.phases, self.order = phases(self.dimensions)
        self.memory_order = tuple(k for k in self.order if self.dimensions[k].connection == "lstm")
        self.untied = tuple(dimension.untied is not None for dimension in dimensions)
        num_sets = prod(dimension.untied or 1 for dimension in dimensions)
        num_inputs = len(dimensions) * hidden_dim
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        self.giving = tuple(k for k, dimension in enumerate(dimensions) if dimension.gives)
        for dimension in (dimensions[k] for k in self.giving):
            num_outputs = (4 if dimension.connection == "lstm" else 1) * hidden_dim
            self.weights.append(nn.Parameter(torch.empty(num_sets, num_outputs, num_inputs)))
            self.biases.append(nn.Parameter(torch.empty(num_sets, num_outputs)))
        self.register_buffer("gate_scale", torch.tensor([1.0, 1.0, 1.0, 2.0]), persistent=False)
        self.reset_parameters(forget_bias)

    def reset_parameters(self, forget_bias: float) -> None:
        """Weights uniform as for one gate by Glorot and Bengio (2010), biases 0 but f's."""
        size = self.hidden_dim
        bound = sqrt(6 / (size + len(self.dimensions) * size))
        giving = [self.dimensions[k] for k in self.giving]
        for dimension, weight, bias in zip(giving, self.weights, self.biases, strict=True):
            nn.init.uniform_(weight, -bound, bound)
            nn.init.zeros_(bias)
            if dimension.connection == "lstm":
                nn.init.constant_(bias.detach()[:, size : 2 * size], forget_bias)

    def forward(
        self,
        extents: Sequence[int],
        hidden: Sequence[Tensor | None],
        memory: Sequence[Tensor | None],
        lengths: Sequence[Tensor | None] | None = None,
    ) -> Vectors:
        """Vectors that leave the grid on its N far sides.

        Args:
            extents: number of blocks along each dimension, E_1 to E_N.
            hidden: h that enters along each dimension, as in `Vectors`; zeros where it is None.
            memory: m that enters along each dimension; zeros where it is None.
            lengths: real blocks of each example along each dimension, [B], each at least 1; None
                where all are real. What leaves along a dimension then leaves after each example's
                last real block, and is 0 beside its real blocks.

        Raises:
            ValueError: if nothing enters, if memory enters a dimension without LSTM, or if sizes
                differ from the extents.
        """
        first = next((edge for edge in (*hidden, *memory) if edge is not None), None)
        if first is None:
            raise ValueError(
                "at least one vector enters a grid: its batch size is that of the grid"
            )
        extents, batch_size = tuple(extents), len(first)
        self.check(extents, hidden, memory)
        found = routing(
            extents, self.untied, self.order, self.memory_order, batch_size, first.device
        )
        sides = [side_mask(extents, lengths, k) for k in range(len(extents))]
        if lengths is not None:
            found = shortened(found, self.order, self.memory_order, tuple(lengths), batch_size)

        def entering(edges: Sequence[Tensor | None], order: tuple[int, ...]) -> Tensor:
            parts = [self.side(edges[k], sides[k], extents, k, batch_size) for k in order]
            return torch.cat(parts) if parts else first.new_zeros(0, self.hidden_dim)

        # Sums over many blocks want full precision; half would also not fit `out=`.
        with torch.autocast(first.device.type, enabled=False):
            parameters = [part for phase in self.phases for part in self.packed(phase)]
            grid = self.describe(found, batch_size)
            leaving_hidden, leaving_memory = wavefront.Evaluation.apply(
                grid, entering(hidden, self.order), entering(memory, self.memory_order), *parameters
            )
        return Vectors(
            self.unpacked(leaving_hidden, self.order, extents, sides),
            self.unpacked(leaving_memory, self.memory_order, extents, sides),
        )

    def check(
        self,
        extents: tuple[int, ...],
        hidden: Sequence[Tensor | None],
        memory: Sequence[Tensor | None],
    ) -> None:
        """Raise ValueError where what enters does not fit."""
        if not len(extents) == len(hidden) == len(memory) == len(self.dimensions):
            raise ValueError(f"extents, hidden and memory each have {len(self.dimensions)} entries")
        for k, dimension in enumerate(self.dimensions):
            if extents[k] < 1 or dimension.untied not in (None, extents[k]):
                raise ValueError(
                    f"dimension {k} has {dimension.untied or 'at least 1'} positions, "
                    f"not {extents[k]}"
                )
            if not dimension.gives and extents[k] != 1:
                raise ValueError(f"dimension {k} gives nothing out, so it has 1 position")
            if dimension.connection != "lstm" and memory[k] is not None:
                raise ValueError(f"dimension {k} has no LSTM, so no memory enters along it")

    def side(
        self,
        edge: Tensor | None,
        mask: Tensor | None,
        extents: tuple[int, ...],
        k: int,
        batch_size: int,
    ) -> Tensor:
        """What enters along dimension k as rows [B * places, H], 0 on padding."""
        shape = (batch_size, *extents[:k], *extents[k + 1 :], self.hidden_dim)
        if edge is None:
            return self.biases[0].new_zeros(prod(shape[:-1]), self.hidden_dim)
        if edge.shape != shape:
            raise ValueError(f"what enters along dimension {k} is {shape}, not {tuple(edge.shape)}")
        if mask is not None:
            edge = torch.where(mask.unsqueeze(-1), edge, 0)
        return edge.reshape(-1, self.hidden_dim).to(self.biases[0].dtype)

    def packed(self, phase: Phase) -> tuple[Tensor, Tensor]:
        """Weight [U, G, N H] and bias [U, G] of a phase, as `block.activate` wants the gates."""
        num_sets, size = len(self.biases[0]), self.hidden_dim
        dimensions = self.order[phase.first : phase.first + phase.num_dimensions]
        members = [self.giving.index(k) for k in dimensions]
        packed = []
        for parameters in (self.weights, self.biases):
            own = [
                parameters[k].view(num_sets, -1, size, *parameters[k].shape[2:]) for k in members
            ]
            parts = []
            if phase.num_lstm:
                gates = torch.stack(own[: phase.num_lstm], dim=2)  # [U, 4, K, H, ...]
                gates = gates * self.gate_scale.view(4, *[1] * (gates.dim() - 2))
                parts.append(gates.flatten(1, 3))  # [U, 4 K H, ...]
            parts += [other.flatten(1, 2) for other in own[phase.num_lstm :]]  # [U, H, ...]
            packed.append(torch.cat(parts, dim=1))
        weight, bias = packed
        if self.order != tuple(range(len(self.order))):  # the columns, as hidden vectors are stored
            weight = weight.unflatten(2, (-1, size))[:, :, list(self.order)].flatten(2)
        return weight, bias

    def unpacked(
        self,
        leaving: Tensor,
        order: tuple[int, ...],
        extents: tuple[int, ...],
        sides: Sequence[Tensor | None],
    ) -> tuple[Tensor | None, ...]:
        """What leaves, [edges, H], by dimension, 0 beside the real blocks."""
        found: list[Tensor | None] = [None] * len(extents)
        places = [prod(extents) // extents[k] for k in order]
        batch_size = len(leaving) // max(sum(places), 1)
        parts = leaving.split([batch_size * number for number in places])
        for k, rows in zip(order, parts, strict=True):
            if self.dimensions[k].gives:
                vectors = rows.view(batch_size, *extents[:k], *extents[k + 1 :], -1)
                mask = sides[k]
                found[k] = vectors if mask is None else torch.where(mask.unsqueeze(-1), vectors, 0)
        return tuple(found)

    def describe(self, found: Routing, batch_size: int) -> wavefront.Grid:
        """What the evaluation is to know."""
        return wavefront.Grid(
            phases=self.phases,
            waves=found.layout.waves,
            num_slots=found.layout.num_slots,
            hidden=found.hidden,
            memory=found.memory,
            batch_size=batch_size,
            num_dimensions=len(self.order),
            num_memories=len(self.memory_order),
            hidden_dim=self.hidden_dim,
            kept_bytes=wavefront.KEPT_BYTES if torch.is_grad_enabled() else 0,
        )


def shortened(
    found: Routing,
    order: tuple[int, ...],
    memory_order: tuple[int, ...],
    lengths: tuple[Tensor | None, ...],
    batch_size: int,
) -> Routing:
    """The routing of a ragged batch."""
    hidden, memory = (
        leave_early(routes, dimensions, found.slots, lengths, batch_size)
        for routes, dimensions in ((found.hidden, order), (found.memory, memory_order))
    )
    return found._replace(hidden=hidden, memory=memory)


def side_mask(
    extents: tuple[int, ...], lengths: Sequence[Tensor | None] | None, k: int
) -> Tensor | None:
    """True on the real places of the sides of dimension k, [B, E_1, ..., E_N] without E_k."""
    mask = None
    if lengths is None:
        return mask
    others = [j for j in range(len(extents)) if j != k]
    for at, j in enumerate(others):
        length = lengths[j]
        if length is not None:
            real = length_mask(length, extents[j])  # [B, E_j]
            shape = [1] * len(others)
            shape[at] = extents[j]
            real = real.view(len(real), *shape)
            mask = real if mask is None else mask & real
    if mask is None:
        return mask
    return mask.expand(-1, *(extents[j] for j in others))
