"""Grids of every kind against a loop over blocks: values, gradients, ragged batches."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from seqlab.components.grid import layout, wavefront
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
    "3 no way out": ((LSTM, Dimension(connection="none"), LSTM), (3, 1, 2)),
    "3 priority and no way out": ((FIRST, LSTM, Dimension(connection="none")), (3, 2, 1)),
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
    loop_hidden = [
        h if d.gives else None for h, d in zip(loop_hidden, grid.dimensions, strict=True)
    ]
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


def test_one_dimension_is_an_lstm_along_depth_in_numpy() -> None:
    """N = 1: h' = tanh(o * m'), which is not o * tanh(m')."""
    torch.manual_seed(0)
    grid = GridLSTM(hidden_dim=HIDDEN, dimensions=(untied(3),), forget_bias=0.5).double()
    hidden, memory = (edge[0].detach() for edge in edges(grid, (3,)))
    leaving = grid((3,), (hidden,), (memory,))

    sigmoid = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    weight, bias = (part[0].detach().numpy() for part in (grid.weights, grid.biases))
    for n in range(BATCH):
        h, m = hidden[n].numpy(), memory[n].numpy()
        for layer in range(3):
            u, f, o, c = np.split(weight[layer] @ h + bias[layer], 4)
            m = sigmoid(f) * m + sigmoid(u) * np.tanh(c)
            h = np.tanh(sigmoid(o) * m)
        np.testing.assert_allclose(leaving.hidden[0][n].detach(), h, rtol=1e-12)
        np.testing.assert_allclose(leaving.memory[0][n].detach(), m, rtol=1e-12)


def test_a_block_worked_by_hand() -> None:
    """H = 1, N = 2, all weights 0: gates 1/2, c = 0, so m' = m / 2 and h' = tanh(m / 4)."""
    grid = GridLSTM(hidden_dim=1, dimensions=(LSTM, LSTM), forget_bias=0.0)
    for parameter in grid.parameters():
        torch.nn.init.zeros_(parameter)
    ones, fours = torch.ones(1, 1, 1), torch.full((1, 1, 1), 4.0)
    leaving = grid((1, 1), (ones, ones), (fours, -fours))
    assert [m.item() for m in leaving.memory] == [2.0, -2.0]
    torch.testing.assert_close(leaving.hidden[0], torch.tensor([[[0.761594156]]]))
    torch.testing.assert_close(leaving.hidden[1], torch.tensor([[[-0.761594156]]]))


@pytest.mark.parametrize("name", ["1 untied", "2 stacked", "3 mixed"])
def test_gradients_are_those_of_differences(name: str) -> None:
    grid, extents = build(name)
    hidden, memory = edges(grid, extents)
    lengths = real_lengths(extents)
    given = [edge for edge in (*hidden, *memory) if edge is not None]
    parameters = dict(grid.named_parameters())

    def evaluate(*values: Tensor) -> tuple[Tensor, ...]:
        entering = iter(values)
        h = [next(entering) for _ in hidden]
        m = [None if edge is None else next(entering) for edge in memory]
        named = dict(zip(parameters, entering, strict=True))
        leaving = torch.func.functional_call(grid, named, (extents, h, m, lengths))
        return tuple(v for v in (*leaving.hidden, *leaving.memory) if v is not None)

    torch.manual_seed(0)
    assert torch.autograd.gradcheck(evaluate, (*given, *parameters.values()), fast_mode=True)


@pytest.mark.parametrize("name", GRIDS)
def test_single_precision_agrees(name: str) -> None:
    """Its products are another library's."""
    grid, extents = build(name)
    hidden, memory = edges(grid, extents)
    exact = grid(extents, hidden, memory, real_lengths(extents))
    rounded = [[None if e is None else e.float() for e in part] for part in (hidden, memory)]
    found = grid.float()(extents, *rounded, real_lengths(extents))
    for one, two in zip(
        (*found.hidden, *found.memory), (*exact.hidden, *exact.memory), strict=True
    ):
        if one is not None:
            torch.testing.assert_close(one, two.float(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kept_bytes", [0, 2**30])
def test_a_second_backward_pass_gives_the_same(
    kept_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gates of the first are used up, the vectors are not."""
    monkeypatch.setattr(wavefront, "KEPT_BYTES", kept_bytes)
    grid, extents = build("3 untied depth")
    hidden, memory = edges(grid, extents)
    loss = total(list(grid(extents, hidden, memory).hidden))
    parameters = list(grid.parameters())
    one = torch.autograd.grad(loss, parameters, retain_graph=True)
    two = torch.autograd.grad(loss, parameters)
    for first, second in zip(one, two, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-12, atol=0)


def test_what_stands_on_padding_does_not_matter() -> None:
    """Not even what is not a number, in what enters or in a gradient."""
    grid, extents = build("2 tied")
    hidden, memory = edges(grid, extents)
    lengths = real_lengths(extents)
    spoilt = []
    for part in (hidden, memory):
        for k, edge in enumerate(part):
            length = lengths[1 - k]
            assert length is not None
            beyond = torch.arange(edge.shape[1]) >= length.unsqueeze(1)  # [B, E]
            filled = edge.detach().masked_fill(beyond.unsqueeze(2), torch.nan)
            spoilt.append(filled.requires_grad_())
    clean = grid(extents, hidden, memory, lengths)
    found = grid(extents, spoilt[:2], spoilt[2:], lengths)
    for one, two in zip(
        (*clean.hidden, *clean.memory), (*found.hidden, *found.memory), strict=True
    ):
        assert torch.equal(one, two)
    gradients = torch.autograd.grad(total(list(found.hidden)), [*spoilt, *grid.parameters()])
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_nothing_entering_means_zeros() -> None:
    grid, extents = build("3 mixed")
    hidden, memory = edges(grid, extents)
    zeros = [torch.zeros_like(edge) for edge in hidden]
    one = grid(extents, (None, hidden[1], None), (None, None, None))
    two = grid(extents, (zeros[0], hidden[1], zeros[2]), (None, torch.zeros_like(memory[1]), None))
    for left, right in zip(one.hidden, two.hidden, strict=True):
        assert torch.equal(left, right)


def test_what_inference_has_met_can_be_trained_on() -> None:
    """Routes that were made in inference mode serve a backward pass, also under autocast."""
    grid, extents = build("2 tied")
    grid = grid.float()
    hidden, memory = ([e.detach().float() for e in part] for part in edges(grid, extents))
    layout.routing.cache_clear()
    with torch.inference_mode():
        before = grid(extents, hidden, memory)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        after = grid(extents, [e.bfloat16() for e in hidden], memory)
    total(list(after.hidden)).backward()
    torch.testing.assert_close(after.hidden[0], before.hidden[0], rtol=0.1, atol=0.05)
    assert after.hidden[0].dtype == torch.float32


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("2 tied", {"extents": (3,)}, "2 entries"),
        ("2 tied", {"extents": (3, 5)}, "enters along dimension 0"),
        ("2 tied", {"extents": (3, 0)}, "at least 1"),
        ("2 untied", {"extents": (3, 3)}, "dimension 1 has 2 positions, not 3"),
        ("2 tied", {"hidden": (None, None), "memory": (None, None)}, "at least one vector"),
        ("3 no way out", {"extents": (3, 2, 2)}, "nothing out, so it has 1 position"),
        ("3 mixed", {"memory": [torch.zeros(3, 3, 2, 3)] * 3}, "dimension 0 has no LSTM"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, change: dict[str, Any], message: str) -> None:
    grid, extents = build(name)
    hidden, memory = edges(grid, extents)
    with pytest.raises(ValueError, match=message):
        grid(**{"extents": extents, "hidden": hidden, "memory": memory} | change)


def test_impossible_grids_are_refused() -> None:
    with pytest.raises(ValueError, match="without priority"):
        GridLSTM(hidden_dim=2, dimensions=(FIRST, FIRST), forget_bias=0.0)
    with pytest.raises(ValueError, match="without priority"):
        GridLSTM(hidden_dim=2, dimensions=(), forget_bias=0.0)
    with pytest.raises(ValueError, match="at least 1 position"):
        untied(0)
    with pytest.raises(ValueError, match="nothing out has no priority"):
        Dimension(connection="none", priority=True)
    with pytest.raises(ValueError, match="a connection is one of"):
        Dimension(connection="gru")
