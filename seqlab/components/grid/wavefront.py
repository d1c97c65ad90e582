"""Evaluates a grid along its wavefronts, and differentiates it without keeping what it can redo."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from seqlab.components.grid.block import Phase, activate, activate_gates, differentiate
from seqlab.components.grid.layout import Routes, Wave
from seqlab.components.grid.products import Products

KEPT_BYTES = 2**30  # gates that a forward pass keeps; those beyond are computed again
ROWS_AT_ONCE = 1024  # of a product that gives the gradient of weights


class Grid(NamedTuple):
    """What is evaluated.

    The parameters of each phase are a weight [U, G, N H], for U sets of weights, and a bias [U, G].
    """

    phases: tuple[Phase, ...]
    waves: tuple[Wave, ...]
    num_slots: int
    hidden: Routes
    memory: Routes
    batch_size: int
    num_dimensions: int  # N
    num_memories: int  # M
    hidden_dim: int  # H
    kept_bytes: int


class Evaluation(torch.autograd.Function):
    """Hidden and memory vectors that leave a grid, given those that enter it.

    Stores the vectors that go from block to block. Gates are stored up to `Grid.kept_bytes` and
    otherwise computed again, wave by wave, in the backward pass.
    """

    @staticmethod
    def forward(
        ctx: Any, grid: Grid, hidden_edges: Tensor, memory_edges: Tensor, *parameters: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Leaving hidden [edges, H] and memory vectors, from entering ones of the same shapes."""
        hidden = state_buffer(grid, grid.hidden, hidden_edges, grid.num_dimensions)
        memory = state_buffer(grid, grid.memory, memory_edges, grid.num_memories)
        room, kept, by_weights = grid.kept_bytes, [], products(parameters)
        for wave in grid.waves:
            step = Step(grid, wave, hidden, memory)
            gates = []
            for phase, by_weight in zip(grid.phases, by_weights, strict=True):
                gates.append(step.products(phase, by_weight))
                activate(phase, gates[-1], step.old_memory, step.hidden, step.memory)
            room -= sum(part.nbytes for part in gates)
            kept.append(gates if room >= 0 else None)
        ctx.grid, ctx.kept = grid, kept
        ctx.save_for_backward(hidden, memory, *parameters)
        return hidden[grid.hidden.leaving], memory[grid.memory.leaving]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_hidden: Tensor, d_memory: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of what enters and of the parameters."""
        grid: Grid = ctx.grid
        hidden, memory, *parameters = ctx.saved_tensors
        d_hidden = gradient_buffer(grid.hidden, d_hidden)
        d_memory = gradient_buffer(grid.memory, d_memory)
        entered_hidden = hidden.new_empty(grid.hidden.num_edges, grid.hidden_dim)
        entered_memory = memory.new_empty(grid.memory.num_edges, grid.hidden_dim)
        by_weights = products(parameters)
        by_transposed = [Products(weight.transpose(1, 2)) for weight in parameters[::2]]
        sums = [ParameterGradient(weight) for weight in parameters[::2]]
        for number, wave in reversed(list(enumerate(grid.waves))):
            step = Step(grid, wave, hidden, memory)
            # The gates turn into gradients in place; a second backward pass finds none.
            gates, ctx.kept[number] = ctx.kept[number], None
            if gates is None:
                gates = step.recompute(by_weights)
            step.differentiate(gates, by_transposed, sums, d_hidden, d_memory)
            enter(grid.hidden, number, d_hidden, entered_hidden)
            enter(grid.memory, number, d_memory, entered_memory)
        d_hidden_edges = entered_hidden.index_select(0, grid.hidden.places)
        d_memory_edges = entered_memory.index_select(0, grid.memory.places)
        d_parameters = [part for total in sums for part in total.result()]
        return None, d_hidden_edges, d_memory_edges, *d_parameters


class Step:
    """One wavefront: R rows, of all its blocks and all examples."""

    def __init__(self, grid: Grid, wave: Wave, hidden: Tensor, memory: Tensor) -> None:
        self.grid, self.wave = grid, wave
        self.num_rows = wave.num_slots * grid.batch_size
        self.incoming = self.gather(hidden, grid.hidden.incoming, grid.num_dimensions)  # [R, N, H]
        self.old_memory = self.gather(memory, grid.memory.incoming, grid.num_memories)  # [R, M, H]
        self.hidden = self.given_out(hidden, grid.hidden, grid.num_dimensions)  # [R, N, H]
        self.memory = self.given_out(memory, grid.memory, grid.num_memories)  # [R, M, H]

    def gather(self, buffer: Tensor, rows: Tensor, num_kinds: int) -> Tensor:
        """The rows [R, K, H] of a buffer on a route."""
        start = self.wave.first_slot * self.grid.batch_size * num_kinds
        here = rows[start : start + self.num_rows * num_kinds]  # [R * K]
        found = buffer.index_select(0, here)  # [R * K, H]
        return found.view(self.num_rows, num_kinds, self.grid.hidden_dim)

    def given_out(self, buffer: Tensor, routes: Routes, num_kinds: int) -> Tensor:
        """The part [R, K, H] of a buffer of states that the wave writes."""
        start = 1 + routes.num_edges + self.wave.first_slot * self.grid.batch_size * num_kinds
        part = buffer[start : start + self.num_rows * num_kinds]  # [R * K, H]
        return part.view(self.num_rows, num_kinds, self.grid.hidden_dim)

    def by_set(self, rows: Tensor) -> Tensor:
        """Rows [R, ...] as [sets, rows of each, features]."""
        return rows.view(self.wave.num_sets, self.num_rows // self.wave.num_sets, -1)

    def inputs(self, phase: Phase) -> Tensor:
        """H of a phase, [R, N, H]: new vectors from the phase before, old ones from the others."""
        if phase.first == 0:
            return self.incoming
        return torch.cat([self.hidden[:, : phase.first], self.incoming[:, phase.first :]], dim=1)

    def products(self, phase: Phase, by_weight: Products) -> Tensor:
        """W H + b of a phase, [R, G]."""
        inputs = self.by_set(self.inputs(phase))  # [sets, rows, N * H]
        return by_weight(inputs, self.wave.first_set).view(self.num_rows, -1)

    def recompute(self, by_weights: list[Products]) -> list[Tensor]:
        """Activated gates of all phases, from vectors that were stored."""
        gates = []
        for phase, by_weight in zip(self.grid.phases, by_weights, strict=True):
            gates.append(self.products(phase, by_weight))
            activate_gates(phase, gates[-1], self.grid.hidden_dim)
        return gates

    def differentiate(
        self,
        gates: list[Tensor],
        by_transposed: list[Products],
        sums: list["ParameterGradient"],
        hidden_buffer: Tensor,
        memory_buffer: Tensor,
    ) -> None:
        """Put the gradients of what enters the wave in the place of those of what it gives out."""
        grid, size = self.grid, self.grid.hidden_dim
        d_hidden = self.gather(hidden_buffer, grid.hidden.outgoing, grid.num_dimensions)
        d_memory = self.gather(memory_buffer, grid.memory.outgoing, grid.num_memories)
        d_incoming = hidden_buffer[1 : 1 + self.num_rows * grid.num_dimensions]  # [R * N, H]
        d_incoming = d_incoming.view(self.num_rows, grid.num_dimensions, size)
        d_old_memory = memory_buffer[1 : 1 + self.num_rows * grid.num_memories]  # [R * M, H]
        d_old_memory = d_old_memory.view(self.num_rows, grid.num_memories, size)
        late = None
        for number in reversed(range(len(grid.phases))):
            phase, d_gates = grid.phases[number], self.by_set(gates[number])
            differentiate(
                phase,
                gates[number],
                self.old_memory,
                self.hidden,
                self.memory,
                d_hidden,
                d_memory,
                d_old_memory,
            )
            sums[number].add(self.wave, self.by_set(self.inputs(phase)), d_gates)
            if phase.first:
                late = by_transposed[number](d_gates, self.wave.first_set).view_as(d_hidden)
                d_hidden[:, : phase.first] += late[:, : phase.first]
            else:
                by_transposed[number](d_gates, self.wave.first_set, out=self.by_set(d_incoming))
        if late is not None:
            first = grid.phases[-1].first
            d_incoming[:, first:] += late[:, first:]


class ParameterGradient:
    """Gradient of one phase's parameters, from as many waves at once as make a large product."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = torch.zeros_like(weight)  # [U, G, K]
        self.bias = weight.new_zeros(weight.shape[:2])  # [U, G]
        self.waiting: list[tuple[Wave, Tensor, Tensor]] = []
        self.num_rows = 0

    def add(self, wave: Wave, inputs: Tensor, d_outputs: Tensor) -> None:
        """Take inputs [sets, rows, K] and gradients of the outputs [sets, rows, G] of a wave."""
        self.waiting.append((wave, inputs, d_outputs))
        self.num_rows += inputs.shape[1]
        if self.num_rows >= ROWS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Add what waits."""
        for number in range(len(self.weight)):
            parts = [
                (inputs[number - wave.first_set], d_outputs[number - wave.first_set])
                for wave, inputs, d_outputs in self.waiting
                if 0 <= number - wave.first_set < wave.num_sets
            ]
            if parts:
                inputs, d_outputs = (
                    part[0] if len(part) == 1 else torch.cat(part)
                    for part in zip(*parts, strict=True)
                )  # [rows, K], [rows, G]
                self.weight[number].addmm_(d_outputs.t(), inputs)
                self.bias[number] += d_outputs.sum(0)
        self.waiting.clear()
        self.num_rows = 0

    def result(self) -> tuple[Tensor, Tensor]:
        """Gradients of weight and bias."""
        self.flush()
        return self.weight, self.bias


def products(parameters: Sequence[Tensor]) -> list[Products]:
    """Products with the weight and bias of each phase."""
    pairs = zip(parameters[::2], parameters[1::2], strict=True)
    return [Products(weight, bias) for weight, bias in pairs]


def state_buffer(grid: Grid, routes: Routes, edges: Tensor, num_kinds: int) -> Tensor:
    """A buffer of states with what enters in it; see `Routes`."""
    num_rows = 1 + routes.num_edges + grid.num_slots * grid.batch_size * num_kinds
    buffer = edges.new_empty(num_rows, grid.hidden_dim)
    buffer[0] = 0
    buffer[1 : 1 + routes.num_edges] = edges
    return buffer


def gradient_buffer(routes: Routes, leaving: Tensor) -> Tensor:
    """A buffer of gradients with those of what leaves in it; see `Routes`."""
    buffer = leaving.new_empty(routes.num_gradients + routes.num_edges, leaving.shape[1])
    buffer[0] = 0
    buffer[routes.num_gradients :] = leaving
    return buffer


def enter(routes: Routes, wave: int, buffer: Tensor, entered: Tensor) -> None:
    """Copy from a buffer of gradients what belongs to vectors that enter at a wave.

    They stand in the order of waves: to write them to their places here would need a sort at each
    wave, where a GPU is to give the same result each time.
    """
    start, end = routes.entries[wave], routes.entries[wave + 1]
    if start < end:
        torch.index_select(buffer, 0, routes.entering[start:end], out=entered[start:end])
