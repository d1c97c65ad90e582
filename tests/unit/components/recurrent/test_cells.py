"""Recurrent cells against loops over the papers' equations."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from seqlab.components.recurrent.coupled_lstm import CoupledLSTMCell
from seqlab.components.recurrent.deep_output import DeepOutputCell
from seqlab.components.recurrent.deep_transition import DeepTransitionCell
from seqlab.components.recurrent.delayed import DelayedCell
from seqlab.components.recurrent.elman import ElmanCell
from seqlab.components.recurrent.gru import GRUCell
from seqlab.components.recurrent.interface import RecurrentCell
from seqlab.components.recurrent.leaky import LeakyCell
from seqlab.components.recurrent.lstm import LSTMCell
from seqlab.components.recurrent.peephole_lstm import PeepholeLSTMCell
from seqlab.components.recurrent.stacked import Stacked
from seqlab.components.recurrent.variational import VariationalCell
from seqlab.components.tree import tensors
from tests.unit.components.recurrent.cells import (
    AROUND,
    CELLS,
    PLAIN,
    build,
    has_memory,
    random_state,
)

BATCH, STEPS, INPUT, HIDDEN = 3, 5, 4, 6
Row = list[np.ndarray]  # the tensors of a state, of one example
Weights = dict[str, np.ndarray]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def split(W: Weights, prefix: str = "kernel.") -> tuple[list[np.ndarray], ...]:
    """Torch's matrices and biases of each gate: W, U, b, b'."""
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    stacks = [W[prefix + name] for name in names]
    return tuple(np.split(each, len(each) // HIDDEN) for each in stacks)


def elman(x: np.ndarray, row: Row, W: Weights, name: str) -> Row:
    (V,), (U,), (a,), (b,) = split(W)
    total = V @ x + a + U @ row[0] + b
    return [np.tanh(total) if name == "elman_tanh" else np.maximum(total, 0)]


def gru(x: np.ndarray, row: Row, W: Weights, name: str) -> Row:
    V, U, a, b = split(W)
    h = row[0]
    r, z = (sigmoid(V[k] @ x + a[k] + U[k] @ h + b[k]) for k in range(2))
    if name == "gru_before":
        return [(1 - z) * h + z * np.tanh(V[2] @ x + a[2] + U[2] @ (r * h) + b[2])]
    return [(1 - z) * np.tanh(V[2] @ x + a[2] + r * (U[2] @ h + b[2])) + z * h]


def lstm(x: np.ndarray, row: Row, W: Weights, name: str) -> Row:
    V, U, a, b = split(W, "kernel." if name == "lstm" else "lstm.kernel.")
    p = {gate: W.get(f"peepholes.weights.{gate}", 0.0) for gate in ("input", "forget", "output")}
    h, c = row
    i, f, g, o = (V[k] @ x + a[k] + U[k] @ h + b[k] for k in range(4))
    new = sigmoid(f + p["forget"] * c) * c + sigmoid(i + p["input"] * c) * np.tanh(g)
    return [sigmoid(o + p["output"] * new) * np.tanh(new), new]


def coupled(x: np.ndarray, row: Row, W: Weights, name: str) -> Row:
    h, c = row
    total = W["input.weight"] @ x + W["input.bias"] + W["recurrent.weight"] @ h
    i, g, o = np.split(total, 3)
    i = sigmoid(i + W.get("peepholes.weights.input", 0.0) * c)
    new = (1 - i) * c + i * np.tanh(g)
    return [sigmoid(o + W.get("peepholes.weights.output", 0.0) * new) * np.tanh(new), new]


def leaky(x: np.ndarray, row: Row, W: Weights, name: str) -> Row:
    h = row[0]
    candidate = np.tanh(W["input.weight"] @ x + W["input.bias"] + W["recurrent.weight"] @ h)
    tau = 1 + np.exp(-W["theta"]) if name == "leaky_learned" else 1 / W["fixed_rate"]
    return [(1 - 1 / tau) * h + candidate / tau]


def delayed(x: np.ndarray, row: Row, W: Weights, name: str) -> Row:
    past = [*row[1], row[0]]  # h_(t-3), h_(t-2), h_(t-1)
    total = W["input.weight"] @ x + W["input.bias"]
    h = np.tanh(total + W["recurrent.weight"] @ past[2] + W["delayed.weight"] @ past[0])
    return [h, np.stack(past[1:])]


def deep_transition(x: np.ndarray, row: Row, W: Weights, name: str) -> Row:
    z = W["input.weight"] @ x + W["input.bias"] + W["recurrent.weight"] @ row[0]
    for k in range(2 if name == "deep_transition" else 1):
        z = W[f"layers.{k}.weight"] @ np.tanh(z) + W[f"layers.{k}.bias"]
    if name == "deep_transition_shortcut":
        z = z + W["shortcut.weight"] @ row[0]
    return [np.tanh(z)]


def feedforward(x: np.ndarray, row: Row, W: Weights, name: str) -> Row:
    return [np.tanh(W["input.weight"] @ x + W["input.bias"])]


REFERENCES: dict[str, Callable[[np.ndarray, Row, Weights, str], Row]] = {
    "elman": elman,
    "gru": gru,
    "lstm": lstm,
    "peephole": lstm,
    "coupled": coupled,
    "leaky": leaky,
    "delayed": delayed,
    "deep_transition": deep_transition,
    "feedforward": feedforward,
}


def reference(name: str) -> Callable[[np.ndarray, Row, Weights, str], Row]:
    return next(each for prefix, each in REFERENCES.items() if name.startswith(prefix))


@pytest.mark.parametrize("name", PLAIN)
def test_step_equals_the_equations(name: str) -> None:
    cell = build(name, INPUT, HIDDEN)
    inputs = torch.randn(BATCH, STEPS, INPUT).double()
    state = random_state(cell, BATCH)
    W = {key: value.numpy() for key, value in cell.state_dict().items()}
    expected = [[tensor[n].numpy() for tensor in tensors(state)] for n in range(BATCH)]
    for t in range(STEPS):
        output, state = cell(inputs[:, t], state)
        for n in range(BATCH):
            expected[n] = reference(name)(inputs[n, t].numpy(), expected[n], W, name)
            np.testing.assert_allclose(output[n].detach(), expected[n][0], rtol=1e-10, atol=1e-12)
            for tensor, value in zip(tensors(state), expected[n], strict=True):
                np.testing.assert_allclose(tensor[n].detach(), value, rtol=1e-10, atol=1e-12)


def test_deep_output_equals_the_equations() -> None:
    cell = build("deep_output", INPUT, HIDDEN)
    state = random_state(cell, 1)
    x = torch.randn(1, INPUT).double()
    output, (hidden,) = cell(x, state)
    W = {key: value.numpy() for key, value in cell.state_dict().items()}
    inner = {key.removeprefix("cell."): value for key, value in W.items()}
    (h,) = gru(x[0].numpy(), [state.hidden[0].numpy()], inner, "gru_before")
    np.testing.assert_allclose(hidden[0].detach(), h, rtol=1e-10)
    for k in range(2):
        h = np.tanh(W[f"layers.{k}.weight"] @ h + W[f"layers.{k}.bias"])
    np.testing.assert_allclose(output[0].detach(), h, rtol=1e-10)


@pytest.mark.parametrize("name", PLAIN)
def test_a_mask_acts_on_products_and_not_on_what_is_carried(name: str) -> None:
    """U (m * h) is (U diag(m)) h: the same step with the columns of every U scaled."""
    cell = build(name, INPUT, HIDDEN)
    state, x = random_state(cell, 1), torch.randn(1, INPUT).double()
    mask = torch.tensor([[0.0, 2.0, 2.0, 0.0, 1.5, 1.0]]).double()
    dropped = cell.step(cell.project(x), state, mask)[1]
    matrices = {"recurrent.weight", "delayed.weight", "shortcut.weight"}
    with torch.no_grad():
        for key, parameter in cell.named_parameters():
            if key in matrices or key.endswith("weight_hh_l0"):
                parameter.mul_(mask)
    torch.testing.assert_close(dropped, cell(x, state)[1])


@pytest.mark.parametrize("name", CELLS)
def test_state_starts_at_zero_in_the_type_of_the_parameters(name: str) -> None:
    cell = build(name, INPUT, HIDDEN).eval()
    state = cell.init_state(2)
    assert isinstance(state, cell.state_type)
    assert state._fields[0] == "hidden"
    assert state.hidden.shape == (2, HIDDEN)
    for tensor in tensors(state):
        assert len(tensor) == 2
        assert tensor.dtype == torch.float64
        assert not tensor.any() or has_memory(cell)


@pytest.mark.parametrize("name", CELLS)
def test_output_is_of_the_stated_size_and_the_state_keeps_its_form(name: str) -> None:
    cell = build(name, INPUT, HIDDEN)
    state = cell.init_state(2)
    output, following = cell(torch.randn(2, INPUT).double(), state)
    assert output.shape == (2, HIDDEN)
    assert [t.shape for t in tensors(following)] == [t.shape for t in tensors(state)]
    assert isinstance(following, type(state))
    if not name.startswith("deep_output"):
        assert torch.equal(output, following.hidden)


@pytest.mark.parametrize("name", CELLS)
def test_projection_has_the_stated_size_for_any_leading_dimensions(name: str) -> None:
    cell = build(name, INPUT, HIDDEN)
    inputs = torch.randn(2, 7, INPUT).double()
    projected = cell.project(inputs)
    assert projected.shape == (2, 7, cell.projected_dim)
    torch.testing.assert_close(projected[1, 3], cell.project(inputs[1, 3]))


def test_forget_gate_starts_open() -> None:
    for cell in (
        LSTMCell(input_dim=INPUT, hidden_dim=HIDDEN, forget_bias=2.5),
        PeepholeLSTMCell(
            input_dim=INPUT, hidden_dim=HIDDEN, forget_bias=2.5, peepholes=["forget", "input"]
        ),
    ):
        state = cell.state_type(torch.zeros(1, HIDDEN), torch.ones(1, HIDDEN))
        _, (_, remembered) = cell(torch.zeros(1, INPUT), state)
        torch.testing.assert_close(remembered, torch.full((1, HIDDEN), sigmoid(2.5)))


@pytest.mark.parametrize("learned", [True, False])
def test_time_constants_are_spread_and_never_below_one(learned: bool) -> None:
    cell = LeakyCell(input_dim=2, hidden_dim=3, time_constants=(2.0, 32.0), learned=learned)
    torch.testing.assert_close(cell.time_constants.detach(), torch.tensor([2.0, 8.0, 32.0]))
    assert learned == any(key == "theta" for key, _ in cell.named_parameters())
    if learned:
        torch.nn.init.constant_(cell.theta, 1e4)
        assert (cell.time_constants >= 1).all()


def test_units_without_a_leak_are_those_of_elman() -> None:
    plain = build("elman_tanh", INPUT, HIDDEN)
    cell = LeakyCell(input_dim=INPUT, hidden_dim=HIDDEN, time_constants=(1.0, 1.0), learned=False)
    cell.double()
    with torch.no_grad():
        cell.input.weight.copy_(plain.kernel.weight_ih_l0)
        cell.input.bias.copy_(plain.kernel.bias_ih_l0 + plain.kernel.bias_hh_l0)
        cell.recurrent.weight.copy_(plain.kernel.weight_hh_l0)
    x, h = torch.randn(2, INPUT).double(), torch.randn(2, HIDDEN).double()
    torch.testing.assert_close(cell(x, cell.state_type(h))[0], plain(x, plain.state_type(h))[0])


def test_the_past_before_the_first_input_is_the_start() -> None:
    cell = build("delayed", INPUT, HIDDEN)
    hidden = torch.randn(2, HIDDEN).double()
    state = cell.start({"hidden": hidden})
    assert torch.equal(state.earlier, torch.stack([hidden, hidden], dim=1))


BAD: dict[str, Callable[..., RecurrentCell]] = {
    "reset='during'": partial(GRUCell, reset="during"),
    "nonlinearity='x'": partial(ElmanCell, nonlinearity="x"),
    "initialisation='x'": partial(GRUCell, reset="after", initialisation="x"),
    r"time_constants=\[0.5, 2.0\]": partial(LeakyCell, time_constants=(0.5, 2.0), learned=False),
    r"time_constants=\[3.0, 2.0\]": partial(LeakyCell, time_constants=(3.0, 2.0), learned=False),
    "above 1": partial(LeakyCell, time_constants=(1.0, 2.0), learned=True),
    "delay=1": partial(DelayedCell, delay=1),
    r"peepholes=\['x'\]": partial(PeepholeLSTMCell, peepholes=["x"], forget_bias=1.0),
    "named once": partial(CoupledLSTMCell, peepholes=["input", "input"]),
    r"peepholes=\['forget'\]": partial(CoupledLSTMCell, peepholes=["forget"]),
    "depth=0: a transition": partial(DeepTransitionCell, depth=0, shortcut=False),
    "depth=1: a transition": partial(DeepTransitionCell, depth=1, shortcut=True),
    "depth=0: a deep output": partial(DeepOutputCell, cell=PLAIN["lstm"], depth=0),
    "num_layers=0": partial(Stacked, cell=PLAIN["lstm"], num_layers=0, dropout=0.0),
    "input_dropout=1": partial(
        VariationalCell, cell=PLAIN["lstm"], input_dropout=1.0, recurrent_dropout=0.0
    ),
    "recurrent_dropout=-1": partial(
        VariationalCell, cell=PLAIN["lstm"], input_dropout=0.0, recurrent_dropout=-1.0
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_what_makes_no_sense_is_refused(message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BAD[message](input_dim=1, hidden_dim=1)


@pytest.mark.parametrize("name", AROUND)
def test_what_a_state_is_started_from_stands_in_it(name: str) -> None:
    cell = build(name, INPUT, HIDDEN).eval()
    values = {key: torch.randn(2, size).double() for key, size in cell.start_sizes().items()}
    found = list(tensors(cell.start(values)))
    for value in values.values():
        assert any(each.shape == value.shape and torch.equal(each, value) for each in found)
