"""Where the blocks of a grid lie in memory: wavefront by wavefront."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

NUM_ROUTES_KEPT = 16  # shapes of batches; a grid of 30 x 30 x 2 with batch 32 needs 3 MB


class Wave(NamedTuple):
    """Blocks whose coordinates have one sum: none of them waits for another."""

    first_slot: int
    num_slots: int  # as many for each of its sets of weights
    first_set: int
    num_sets: int


class Layout(NamedTuple):
    """A slot for each block, wave by wave, and within a wave by sets of weights.

    The sets of a wave get as many slots each as the largest of them needs, so that one batched
    product serves all; what is left over is computed on zeros and read by nobody.
    """

    waves: tuple[Wave, ...]
    slots: np.ndarray  # [E_1, ..., E_N], the slot of each block
    wave_of_slot: np.ndarray  # [slots]

    @property
    def num_slots(self) -> int:
        """Slots of all waves."""
        return len(self.wave_of_slot)

    @property
    def largest_wave(self) -> int:
        """Slots of the largest wave."""
        return max(wave.num_slots for wave in self.waves)


def lay_out(extents: tuple[int, ...], untied: tuple[bool, ...]) -> Layout:
    """The layout of a grid.

    Args:
        extents: number of blocks along each dimension, N.
        untied: whether positions along each dimension have weights of their own.
    """
    places = np.indices(extents).reshape(len(extents), -1)  # [N, P]
    weights = set_numbers(extents, untied).reshape(-1)  # [P]
    wave_of_block = places.sum(0)  # [P]
    num_waves, num_sets = wave_of_block.max() + 1, weights.max() + 1
    group = wave_of_block * num_sets + weights  # [P]
    counts = np.bincount(group, minlength=num_waves * num_sets)  # [waves * sets]
    by_group = np.argsort(group, kind="stable")  # [P]
    rank = np.empty_like(group)  # [P], of a block in its group
    rank[by_group] = np.arange(len(group)) - (np.cumsum(counts) - counts)[group[by_group]]

    waves, slot_of_group, first_slot = [], np.zeros(len(counts), dtype=np.int64), 0
    for number, of_sets in enumerate(counts.reshape(num_waves, num_sets)):
        active = of_sets.nonzero()[0]  # in a row, since sets are numbered by their coordinates' sum
        first_set, size = int(active[0]), int(of_sets.max())
        wave = Wave(first_slot, size * len(active), first_set, len(active))
        start = number * num_sets + first_set
        slot_of_group[start : start + len(active)] = first_slot + size * np.arange(len(active))
        first_slot += wave.num_slots
        waves.append(wave)
    slots = (slot_of_group[group] + rank).reshape(extents)
    wave_of_slot = np.repeat(np.arange(num_waves), [wave.num_slots for wave in waves])
    return Layout(tuple(waves), slots, wave_of_slot)


def set_numbers(extents: tuple[int, ...], untied: tuple[bool, ...]) -> np.ndarray:
    """Which set of weights each block uses, [E_1, ..., E_N], numbered by the coordinates' sum."""
    own = tuple(e if is_untied else 1 for e, is_untied in zip(extents, untied, strict=True))
    sums = np.indices(own).sum(0).reshape(-1)  # [sets]
    numbers = np.empty(len(sums), dtype=np.int64)
    numbers[np.argsort(sums, kind="stable")] = np.arange(len(sums))
    return np.broadcast_to(numbers.reshape(own), extents)


class Routes(NamedTuple):
    """Which way vectors travel along K of the dimensions, as rows of two buffers.

    The buffer of states holds a row of zeros, the vectors that enter the grid, and what every slot
    gives out, [slots, B, K]. The buffer of gradients holds a row of zeros, the gradients of what
    enters the slots of one wave, [slots, B, K], and the gradients of what leaves the grid. Both
    what enters and what leaves is ordered by dimension, example and place on that side.
    """

    num_edges: int  # vectors that enter the grid, and as many that leave it
    num_gradients: int  # rows of the buffer of gradients before those of what leaves
    incoming: Tensor  # [slots * B * K], the row of the state that enters
    outgoing: Tensor  # [slots * B * K], the row of the gradient of the state that is given out
    leaving: Tensor  # [edges], the row of each state that leaves
    entering: Tensor  # [edges], the rows of the gradients of what enters, in the order of waves
    places: Tensor  # [edges], where each of what enters stands in that order
    entries: tuple[int, ...]  # where each wave starts among them, and the end


class Routing(NamedTuple):
    """All there is to know of a grid's shape."""

    layout: Layout
    slots: Tensor  # [E_1, ..., E_N]
    hidden: Routes
    memory: Routes


@lru_cache(maxsize=NUM_ROUTES_KEPT)
def routing(
    extents: tuple[int, ...],
    untied: tuple[bool, ...],
    order: tuple[int, ...],
    memory_order: tuple[int, ...],
    batch_size: int,
    device: torch.device,
) -> Routing:
    """The layout of a grid and the routes of its vectors, kept for the shapes used last.

    Args:
        extents: number of blocks along each dimension, N.
        untied: whether positions along each dimension have weights of their own.
        order: the dimensions in the order in which hidden vectors are stored.
        memory_order: the dimensions with memory, in the order in which it is stored.
        batch_size: number B of examples.
        device: where the routes are needed.
    """
    layout = lay_out(extents, untied)
    with torch.inference_mode(False):  # what is kept may be used in training later
        slots = torch.from_numpy(layout.slots).to(device)
        hidden = route(layout, order, batch_size, device)
        memory = route(layout, memory_order, batch_size, device)
    return Routing(layout, slots, hidden, memory)


def route(
    layout: Layout, dimensions: tuple[int, ...], batch_size: int, device: torch.device
) -> Routes:
    """The routes along some dimensions, where all examples fill the grid."""
    num_kinds, examples = len(dimensions), np.arange(batch_size)
    first_slots = np.array([wave.first_slot for wave in layout.waves])  # [waves]
    sides = [layout.slots.size // layout.slots.shape[k] for k in dimensions]  # places on each side
    num_edges = batch_size * sum(sides)
    num_gradients = 1 + layout.largest_wave * batch_size * num_kinds

    def state(slots: np.ndarray, kind: int) -> np.ndarray:
        """Rows [P, B] of the buffer of states for slots [P]."""
        return 1 + num_edges + (slots[:, None] * batch_size + examples) * num_kinds + kind

    def gradient(slots: np.ndarray, kind: int) -> np.ndarray:
        """Rows [P, B] of the buffer of gradients for slots [P]."""
        local = slots - first_slots[layout.wave_of_slot[slots]]  # [P]
        return 1 + (local[:, None] * batch_size + examples) * num_kinds + kind

    shape = (layout.num_slots, batch_size, num_kinds)
    incoming, outgoing = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    leaving, entering, waves, start = [], [], [], 0
    for kind, (k, side) in enumerate(zip(dimensions, sides, strict=True)):
        slots = np.moveaxis(layout.slots, k, 0).reshape(-1, side)  # [E_k, side]
        edge = start + np.arange(side)[:, None] + examples * side  # [side, B]
        earlier, later = slots[:-1].reshape(-1), slots[1:].reshape(-1)
        incoming[later, :, kind] = state(earlier, kind)
        incoming[slots[0], :, kind] = 1 + edge
        outgoing[earlier, :, kind] = gradient(later, kind)
        outgoing[slots[-1], :, kind] = num_gradients + edge
        leaving.append(state(slots[-1], kind).T.reshape(-1))
        entering.append(gradient(slots[0], kind).T.reshape(-1))
        waves.append(np.tile(layout.wave_of_slot[slots[0]], batch_size))
        start += side * batch_size

    wave = np.concatenate([np.zeros(0, dtype=np.int64), *waves])  # [edges]
    entered = np.argsort(wave, kind="stable")  # [edges]
    entries = np.searchsorted(wave[entered], np.arange(len(layout.waves) + 1))

    def tensor(*parts: np.ndarray) -> Tensor:
        flat = [part.reshape(-1) for part in parts]
        return torch.from_numpy(np.concatenate([np.zeros(0, dtype=np.int64), *flat])).to(device)

    return Routes(
        num_edges=num_edges,
        num_gradients=num_gradients,
        incoming=tensor(incoming),
        outgoing=tensor(outgoing),
        leaving=tensor(*leaving),
        entering=tensor(np.concatenate([np.zeros(0, dtype=np.int64), *entering])[entered]),
        places=tensor(np.argsort(entered)),
        entries=tuple(entries.tolist()),
    )


def leave_early(
    routes: Routes,
    dimensions: tuple[int, ...],
    slots: Tensor,
    lengths: tuple[Tensor | None, ...],
    batch_size: int,
) -> Routes:
    """The routes where an example leaves the grid after its own last block.

    Args:
        routes: those along the dimensions where all examples fill the grid.
        dimensions: whose routes they are.
        slots: the slot of each block, [E_1, ..., E_N].
        lengths: number of real blocks of each example along each of the grid's N dimensions, [B],
            each at least 1; None where all are real.
        batch_size: number B of examples.
    """
    examples = torch.arange(batch_size, device=slots.device)  # [B]
    first_state = 1 + routes.num_edges
    leaving = []
    for kind, k in enumerate(dimensions):
        planes = slots.movedim(k, 0).reshape(slots.shape[k], -1)  # [E_k, side]
        length = lengths[k]
        last = planes[-1].expand(batch_size, -1) if length is None else planes[length - 1]
        row = (last * batch_size + examples.unsqueeze(1)) * len(dimensions) + kind  # [B, side]
        leaving.append(first_state + row.flatten())
    rows = torch.cat(leaving) if leaving else routes.leaving  # [edges]
    # The gradient of a state that leaves comes from outside alone: of what padded blocks made of it
    # nothing is given out.
    outgoing = routes.outgoing.index_fill(0, routes.leaving - first_state, 0)
    outside = torch.arange(routes.num_edges, device=slots.device) + routes.num_gradients  # [edges]
    outgoing = outgoing.index_copy(0, rows - first_state, outside)
    return routes._replace(leaving=rows, outgoing=outgoing)
