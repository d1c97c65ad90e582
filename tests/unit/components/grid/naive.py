"""A grid as its paper states it: block by block, gate by gate, by plain autograd."""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor

from seqlab.components.grid.grid import GridLSTM

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "tanh": torch.tanh,
    "relu": torch.relu,
}
Edges = list[Tensor | None]


def set_of(grid: GridLSTM, place: tuple[int, ...]) -> int:
    """The number of the weights at a place, from the order that the class promises."""
    untied = [d.untied for d in grid.dimensions]
    own = sorted(itertools.product(*(range(u or 1) for u in untied)), key=sum)
    return own.index(tuple(at if u else 0 for at, u in zip(place, untied, strict=True)))


def block(
    grid: GridLSTM, number: int, hidden: list[Tensor], memory: list[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """New vectors of one example's block, from the vectors [H] that enter it."""
    new_hidden, new_memory = list(hidden), list(memory)
    for priority in (False, True):
        inputs = torch.cat(
            [
                new_hidden[k] if priority and not dimension.priority else hidden[k]
                for k, dimension in enumerate(grid.dimensions)
            ]
        )
        for k, dimension in enumerate(grid.dimensions):
            if dimension.priority != priority or dimension.connection == "none":
                continue
            own = [d.connection != "none" for d in grid.dimensions[:k]].count(True)
            values = grid.weights[own][number] @ inputs + grid.biases[own][number]
            if dimension.connection == "lstm":
                u, f, o, c = values.chunk(4)
                m = torch.sigmoid(f) * memory[k] + torch.sigmoid(u) * torch.tanh(c)
                new_memory[k], new_hidden[k] = m, torch.tanh(torch.sigmoid(o) * m)
            else:
                new_hidden[k] = ACTIVATIONS[dimension.connection](values)
    return new_hidden, new_memory


def evaluate(
    grid: GridLSTM, extents: tuple[int, ...], hidden: Edges, memory: Edges
) -> tuple[list[Tensor], list[Tensor]]:
    """What leaves a grid [*E without E_k, H] along each k, where one example's `Edges` enter it."""
    zero, num = torch.zeros(grid.hidden_dim, dtype=grid.biases[0].dtype), len(extents)
    found: dict[tuple[tuple[int, ...], int], tuple[Tensor, Tensor]] = {}
    for place in itertools.product(*map(range, extents)):
        entering = []
        for k in range(num):
            side = place[:k] + place[k + 1 :]
            if place[k]:
                entering.append(found[(*place[:k], place[k] - 1, *place[k + 1 :]), k])
            else:
                entering.append(
                    tuple(zero if e[k] is None else e[k][side] for e in (hidden, memory))
                )
        left = block(grid, set_of(grid, place), *map(list, zip(*entering, strict=True)))
        for k in range(num):
            found[place, k] = left[0][k], left[1][k]
    leaving: tuple[list[Tensor], list[Tensor]] = ([], [])
    for k, extent in enumerate(extents):
        sides = list(itertools.product(*(range(e) for j, e in enumerate(extents) if j != k)))
        shape = [e for j, e in enumerate(extents) if j != k]
        for part in range(2):
            vectors = [found[(*s[:k], extent - 1, *s[k:]), k][part] for s in sides]
            leaving[part].append(torch.stack(vectors).view(*shape, -1))
    return leaving
