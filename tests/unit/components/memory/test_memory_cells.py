"""Both memory cells against the papers' equations; their start, bounds and gradients."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqlab.components.memory import linkage
from seqlab.components.memory.dnc import DNCCell
from seqlab.components.memory.interface import MemoryCell
from seqlab.components.memory.ntm import NTMCell
from seqlab.components.recurrent.feedforward import FeedForwardCell
from seqlab.components.recurrent.interface import State
from seqlab.components.recurrent.lstm import LSTMCell
from seqlab.components.recurrent.unroll import unroll
from seqlab.components.tree import tensors
from tests.unit.components.memory import loops

INPUT, HIDDEN, SLOTS, SIZE, BATCH = 3, 5, 7, 4, 2
LSTM = partial(LSTMCell, forget_bias=1.0)
FEEDFORWARD = partial(FeedForwardCell, nonlinearity="tanh")
NTM: dict[str, Any] = {
    "controller": LSTM,
    "num_slots": SLOTS,
    "slot_size": SIZE,
    "num_reads": 1,
    "num_writes": 1,
    "similarity": "cosine",
    "shift_range": 1,
    "initial_memory": "constant",
}
DNC: dict[str, Any] = {
    "controller": LSTM,
    "num_slots": SLOTS,
    "slot_size": SIZE,
    "num_reads": 2,
    "training_slots": None,
    "free_bias": 0.0,
    "clip": 20.0,
}


def ntm(**changes: Any) -> NTMCell:
    torch.manual_seed(0)
    return NTMCell(input_dim=INPUT, hidden_dim=HIDDEN, **{**NTM, **changes})


def dnc(**changes: Any) -> DNCCell:
    torch.manual_seed(0)
    return DNCCell(input_dim=INPUT, hidden_dim=HIDDEN, **{**DNC, **changes})


def spread(cell: MemoryCell, std: float) -> MemoryCell:
    """Parameters far from each other, so that gates and weightings leave their middle."""
    for parameter in cell.parameters():
        nn.init.normal_(parameter, std=std)
    return cell


def drawn(steps: int, seed: int = 3) -> Tensor:
    return torch.randn(BATCH, steps, INPUT, generator=torch.Generator().manual_seed(seed))


def row(state: State, b: int) -> dict[str, np.ndarray]:
    """An example's state by name; hidden and cell of its controller are h and c."""
    fields = state._asdict()
    controller = fields.pop("controller")
    values = {**fields, "h": controller.hidden, "c": controller.cell}
    return {name: value[b].detach().numpy() for name, value in values.items()}


def check_steps(cell: MemoryCell, state: State, step: Any) -> None:
    """Some steps of a cell against those of a loop over numbers."""
    inputs = drawn(5).double()
    W = {key: value.numpy() for key, value in cell.state_dict().items()}
    expected = [row(state, b) for b in range(BATCH)]
    for x in inputs.unbind(dim=1):
        output, state = cell(x, state)
        for b in range(BATCH):
            expected[b] = step(x[b].numpy(), expected[b], W)
            found = row(state, b)
            assert found.keys() == expected[b].keys()
            for name, value in expected[b].items():
                np.testing.assert_allclose(found[name], value, 1e-8, 1e-10, err_msg=name)
            np.testing.assert_allclose(output[b].detach(), expected[b]["hidden"], rtol=1e-8)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"similarity": "dot"},
        {"num_reads": 2, "num_writes": 3, "shift_range": 2, "initial_memory": "learned"},
    ],
    ids=str,
)
def test_ntm_equals_the_equations(changes: dict[str, Any]) -> None:
    cell = spread(ntm(**changes).double(), 0.7)
    values = {**NTM, **changes}
    sizes = {
        "num_heads": values["num_reads"] + values["num_writes"],
        "num_shifts": 2 * values["shift_range"] + 1,
        **{name: values[name] for name in ("num_writes", "slot_size", "similarity")},
    }
    check_steps(cell, cell.init_state(BATCH), partial(loops.ntm_step, sizes=sizes))


@pytest.mark.parametrize("clip", [None, 20.0, 0.3])
def test_dnc_equals_the_equations(clip: float | None) -> None:
    cell = spread(dnc(clip=clip).double(), 0.7)
    state = cell.init_state(BATCH)  # of slots used alike, the rounding would choose the freest
    state = state._replace(
        usage=torch.rand_like(state.usage),
        precedence=torch.rand_like(state.usage).div(SLOTS),
        write_weighting=torch.rand_like(state.usage).div(SLOTS),
        read_weightings=torch.rand_like(state.read_weightings).div(SLOTS),
        links=linkage.off_diagonal(SLOTS) * torch.rand_like(state.links).div(SLOTS),
        memory=torch.randn_like(state.memory),
    )
    check_steps(cell, state, partial(loops.dnc_step, clip=clip))


def test_ntm_starts_at_its_first_slot() -> None:
    state = ntm(num_reads=2).init_state(BATCH)
    assert state.weightings[..., 0].eq(1).all()
    assert state.weightings.sum(dim=2).eq(1).all()
    torch.testing.assert_close(state.memory, torch.full((BATCH, SLOTS, SIZE), 1e-6))
    torch.testing.assert_close(state.reads, torch.full((BATCH, 2, SIZE), 1e-6))


def test_a_random_memory_is_kept_and_a_learned_one_learns() -> None:
    cell, other = (ntm(initial_memory="random") for _ in range(2))
    nn.init.zeros_(other.initial_memory)
    other.load_state_dict(cell.state_dict())
    memory = other.init_state(BATCH).memory
    assert torch.equal(memory[0], memory[1])
    assert torch.equal(memory[0], cell.initial_memory)
    assert memory.std() > 0.1

    cell = ntm(initial_memory="learned")
    outputs, _ = unroll(cell, drawn(2), cell.init_state(BATCH))
    outputs.sum().backward()
    assert cell.initial_memory.grad.abs().sum() > 0


def test_dnc_starts_empty() -> None:
    assert not any(each.any() for each in tensors(dnc().init_state(BATCH)))


@pytest.mark.parametrize(("training", "slots"), [(True, 3), (False, SLOTS)])
def test_dnc_trains_with_fewer_slots(training: bool, slots: int) -> None:
    """As a cell that has so many, whose weights are the same."""
    cell = spread(dnc(training_slots=3).double(), 0.7).train(training)
    other = dnc(num_slots=slots).double()
    other.load_state_dict(cell.state_dict())
    outputs, last = unroll(cell, drawn(8).double(), cell.init_state(BATCH))
    expected, end = unroll(other, drawn(8).double(), other.init_state(BATCH))
    assert last.links.shape == (BATCH, slots, slots)
    torch.testing.assert_close(outputs, expected)
    torch.testing.assert_close(last.links, end.links)


def test_free_gates_start_where_they_are_told() -> None:
    hidden = torch.linspace(-1, 1, HIDDEN).expand(BATCH, -1)
    plain, closed = (dnc(free_bias=bias).interface(hidden) for bias in (0.0, -15.0))
    expected = torch.sigmoid(torch.logit(plain.free_gates) - 15)
    torch.testing.assert_close(closed.free_gates, expected)
    for name, value in plain._asdict().items():
        if name not in ("free_gates", "gates"):
            assert torch.equal(getattr(closed, name), value), name


def test_dnc_keeps_its_bounds() -> None:
    """Links, usage, allocation and weightings over many steps of a cell that does all it can."""
    cell = spread(dnc(num_slots=12).double(), 1.5)
    state = cell.init_state(BATCH)
    least, most = 1.0, 0.0
    for x in drawn(60).double().unbind(dim=1):
        with torch.no_grad():
            _, state = cell(x, state)
        assert not state.links.diagonal(dim1=1, dim2=2).any()
        for bounded in (state.usage, state.precedence, state.links, state.read_weightings):
            assert bounded.min() >= 0
            assert bounded.max() <= 1 + 1e-12
        for total in (
            state.links.sum(dim=1),
            state.links.sum(dim=2),
            state.precedence.sum(dim=1),
            state.read_weightings.sum(dim=2),
            state.write_weighting.sum(dim=1),
        ):
            assert total.max() <= 1 + 1e-12
        assert state.write_weighting.min() >= 0
        least, most = min(least, float(state.usage.max())), max(most, float(state.usage.max()))
    assert most > 0.5 > least  # slots were used and freed


def test_ntm_weightings_are_shares() -> None:
    cell = spread(ntm(num_reads=2, num_writes=2), 1.5)
    state = cell.init_state(BATCH)
    for x in drawn(60).unbind(dim=1):
        with torch.no_grad():
            _, state = cell(x, state)
        assert state.weightings.min() >= 0
        torch.testing.assert_close(state.weightings.sum(dim=2), torch.ones(BATCH, 4))


@pytest.mark.parametrize("controller", [LSTM, FEEDFORWARD], ids=["lstm", "feedforward"])
@pytest.mark.parametrize("build", [ntm, dnc])
@pytest.mark.parametrize(("std", "steps"), [(0.1, 20), (30.0, 20), (3.0, 200)])
def test_gradients_are_finite_over_many_steps(
    build: Any, controller: Any, std: float, steps: int
) -> None:
    """From an empty memory, through strengths and exponents of hundreds."""
    cell = spread(build(controller=controller), std)
    if isinstance(cell, NTMCell):
        cell.initial_memory.zero_()
    inputs = drawn(steps).requires_grad_()
    outputs, last = unroll(cell, inputs, cell.init_state(BATCH))
    loss = outputs.square().mean() + sum(each.square().mean() for each in tensors(last))
    gradients = torch.autograd.grad(loss, [inputs, *cell.parameters()])
    assert all(each.isfinite().all() for each in gradients)


@pytest.mark.parametrize("build", [ntm, dnc])
def test_an_example_is_the_same_alone(build: Any) -> None:
    cell = spread(build().double(), 0.7)
    inputs, lengths = drawn(6).double(), torch.tensor([6, 3])
    outputs, last = unroll(cell, inputs, cell.init_state(BATCH), lengths)
    for b, length in enumerate(lengths.tolist()):
        alone, end = unroll(cell, inputs[b : b + 1, :length], cell.init_state(1))
        torch.testing.assert_close(outputs[b, :length], alone[0])
        for name, value in row(end, 0).items():
            np.testing.assert_allclose(row(last, b)[name], value, rtol=1e-9, err_msg=name)


def test_ntm_shows_its_heads() -> None:
    cell = spread(ntm(num_reads=2), 0.7)
    _, state = cell(drawn(1)[:, 0], cell.init_state(BATCH))
    shown = cell.trace(state)
    assert list(shown) == [
        *("read_1", "read_2", "write_1", "gate_read_1", "gate_read_2", "gate_write_1")
    ]
    assert torch.equal(shown["read_2"], state.weightings[:, 1])
    assert torch.equal(shown["write_1"], state.weightings[:, 2])
    assert torch.equal(shown["gate_write_1"], state.gates[:, 2])
    assert {tuple(each.shape) for each in shown.values()} == {(BATCH, SLOTS), (BATCH, 1)}


def test_dnc_shows_its_heads() -> None:
    cell = spread(dnc(), 0.7)
    _, state = cell(drawn(1)[:, 0], cell.init_state(BATCH))
    shown = cell.trace(state)
    assert {name for name, each in shown.items() if each.shape == (BATCH, SLOTS)} == {
        *("read_1", "read_2", "write_1", "usage")
    }
    assert torch.equal(shown["read_2"], state.read_weightings[:, 1])
    assert torch.equal(shown["free_2"], state.gates[:, 1:2])
    assert torch.equal(shown["allocation_gate"], state.gates[:, 2:3])
    assert torch.equal(shown["write_gate"], state.gates[:, 3:4])
    modes = [shown[f"{mode}_2"] for mode in ("backward", "content", "forward")]
    assert torch.equal(torch.cat(modes, dim=1), state.modes[:, 1])


BAD: list[tuple[Any, dict[str, Any], str]] = [
    (ntm, {"num_slots": 0}, "num_slots=0"),
    (ntm, {"num_writes": 0}, "num_writes=0"),
    (ntm, {"similarity": "angle"}, "similarity='angle'"),
    (ntm, {"shift_range": 4}, "shift_range=4"),
    (ntm, {"initial_memory": "empty"}, "initial_memory='empty'"),
    (dnc, {"num_reads": 0}, "num_reads=0"),
    (dnc, {"training_slots": 0}, "training_slots=0"),
    (dnc, {"training_slots": SLOTS + 1}, "training_slots=8"),
    (dnc, {"clip": 0.0}, "clip=0.0"),
]


@pytest.mark.parametrize(("build", "changes", "message"), BAD, ids=[each[2] for each in BAD])
def test_what_makes_no_sense_is_refused(build: Any, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(**changes)
