"""Grids of every kind against a loop over blocks: values, gradients, ragged batches."""

import pytest
import torch
from torch import Tensor

from seqlab.components.grid import wavefront
from seqlab.components.grid.block import Dimension
from seqlab.components.grid.grid import GridLSTM
from tests.unit.components.grid import naive

HIDDEN, BATCH = 3, 3
LSTM, IDENTITY, TANH, RELU = (
    Dimension(connection=name) for name in ("lstm", "identity", "tanh", "relu")
)


def untied(number: int, connection: str = "lstm", priority: bool = False) -> Dimension:
    return Dimension(connection=connection, untied=number, priority=priority)


FIRST = Dimension(priority=True)
GRIDS: dict[str, tuple[tuple[Dimension, ...], tuple[int, ...]]] = {
    "1 tied": ((LSTM,), (4,)),
    "1 untied": ((untied(4),), (4,)),
    "1 tanh": ((TANH,), (3,)),
    "2 tied": ((LSTM, LSTM), (3, 4)),
    "2 one block": ((LSTM, LSTM), (1, 1)),
    "2 untied depth": ((LSTM, untied(3)), (4, 3)),
    "2 untied": ((untied(3), untied(2)), (3, 2)),
    "2 priority": ((FIRST, LSTM), (3, 3)),
    "2 stacked": ((LSTM, untied(2, "identity", priority=True)), (4, 2)),
    "3 tied": ((LSTM, LSTM, LSTM), (2, 3, 3)),
    "3 untied depth": ((LSTM, LSTM, untied(2)), (3, 2, 2)),
    "3 two untied": ((untied(2), LSTM, untied(3)), (2, 3, 3)),
    "3 mixed": ((TANH, LSTM, RELU), (2, 3, 2)),
    "3 no lstm": ((IDENTITY, TANH, RELU), (2, 2, 2)),
    "3 two priorities": ((FIRST, LSTM, untied(2, "relu", priority=True)), (3, 2, 2)),
    "3 reencoder": ((LSTM, LSTM, Dimension(connection="identity", priority=True)), (3, 4, 1)),
    "4 tied": ((LSTM, IDENTITY, LSTM, LSTM), (2, 2, 2, 2)),
}


def build(name: str) -> tuple[GridLSTM, tuple[int, ...]]:
    """A grid in double precision with weights that saturate nothing."""
    torch.manual_seed(0)
    dimensions, extents = GRIDS[name]
    grid = GridLSTM(hidden_dim=HIDDEN, dimensions=dimensions, forget_bias=1.0).double()
    for parameter in grid.parameters():
        torch.nn.init.normal_(parameter, std=0.6)
    return grid, extents


def edges(
    grid: GridLSTM, extents: tuple[int, ...], seed: int = 1
) -> tuple[naive.Edges, naive.Edges]:
    """Hidden and memory vectors for every side."""
    generator = torch.Generator().manual_seed(seed)
    hidden: naive.Edges = []
    memory: naive.Edges = []
    for k, dimension in enumerate(grid.dimensions):
        shape = (BATCH, *extents[:k], *extents[k + 1 :], HIDDEN)
        vectors = torch.randn(2, *shape, generator=generator, dtype=torch.double)
        hidden.append(vectors[0].requires_grad_())
        memory.append(vectors[1].requires_grad_() if dimension.connection == "lstm" else None)
    return hidden, memory


def real_lengths(extents: tuple[int, ...]) -> list[Tensor | None]:
    """Ragged along all dimensions but the last of several; the first example fills the grid."""
    lengths: list[Tensor | None] = [
        torch.tensor([max(extent - n * (k + 1), 1) for n in range(BATCH)])
        for k, extent in enumerate(extents)
    ]
    if len(extents) > 2:
        lengths[-1] = None
    return lengths


def expected(
    grid: GridLSTM,
    extents: tuple[int, ...],
    hidden: naive.Edges,
    memory: naive.Edges,
    lengths: list[Tensor | None] | None,
) -> list[list[Tensor]]:
    """Each example by itself in a grid of its own size, then 0 where there is padding."""
    found: list[list[Tensor]] = []
    for _ in range(2):
        shapes = [(BATCH, *extents[:k], *extents[k + 1 :], HIDDEN) for k in range(len(extents))]
        found.append([torch.zeros(shape, dtype=torch.double) for shape in shapes])
    for n in range(BATCH):
        own = tuple(
            e if lengths is None or lengths[k] is None else int(lengths[k][n])
            for k, e in enumerate(extents)
        )
        cut = [tuple(slice(e) for j, e in enumerate(own) if j != k) for k in range(len(own))]
        parts = [
            [None if e is None else e[n][cut[k]] for k, e in enumerate(entering)]
            for entering in (hidden, memory)
        ]
        for kind, left in enumerate(naive.evaluate(grid, own, *parts)):
            for k, vectors in enumerate(left):
                found[kind][k][(n, *cut[k])] = vectors
    return found


def total(vectors: list[Tensor | None]) -> Tensor:
    """A number that weighs every entry differently."""
    return sum(
        (v * torch.arange(1, v.numel() + 1).view(v.shape).mul(0.7).sin()).sum()
        for v in vectors
        if v is not None
    )


@pytest.mark.parametrize("ragged", [False, True], ids=["full", "ragged"])
@pytest.mark.parametrize("kept_bytes", [0, 1500, 2**30], ids=["redone", "some kept", "kept"])
@pytest.mark.parametrize("name", GRIDS)
def test_equals_a_loop_over_blocks(
    name: str, kept_bytes: int, ragged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wavefront, "KEPT_BYTES", kept_bytes)
    grid, extents = build(name)
    hidden, memory = edges(grid, extents)
    lengths = real_lengths(extents) if ragged else None
    inputs = [*(e for e in (*hidden, *memory) if e is not None), *grid.parameters()]

    leaving = grid(extents, hidden, memory, lengths)
    gradients = torch.autograd.grad(total([*leaving.hidden, *leaving.memory]), inputs)

    loop_hidden, loop_memory = expected(grid, extents, hidden, memory, lengths)
    loop_memory = [
        m if d.connection == "lstm" else None
        for m, d in zip(loop_memory, grid.dimensions, strict=True)
    ]
    loop = torch.autograd.grad(total([*loop_hidden, *loop_memory]), inputs)
    for mine, theirs in zip(
        (*leaving.hidden, *leaving.memory), (*loop_hidden, *loop_memory), strict=True
    ):
        assert (mine is None) == (theirs is None)
        if mine is not None:
            torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-12)
    for mine, theirs in zip(gradients, loop, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-11)
