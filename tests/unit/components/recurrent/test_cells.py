"""Recurrent cells against loops over the papers' equations, and step against kernel."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from seqlab.components.recurrent.elman import ElmanCell
from seqlab.components.recurrent.gru import GRUCell
from seqlab.components.recurrent.interface import RecurrentCell
from seqlab.components.recurrent.lstm import LSTMCell

BATCH, STEPS, INPUT, HIDDEN = 3, 4, 5, 6

CELLS: dict[str, Callable[..., RecurrentCell]] = {
    "lstm": lambda **sizes: LSTMCell(forget_bias=1.0, **sizes),
    "gru_before": lambda **sizes: GRUCell(reset="before", **sizes),
    "gru_after": lambda **sizes: GRUCell(reset="after", **sizes),
    "elman_tanh": lambda **sizes: ElmanCell(nonlinearity="tanh", **sizes),
    "elman_relu": lambda **sizes: ElmanCell(nonlinearity="relu", **sizes),
}


def build(name: str) -> RecurrentCell:
    torch.manual_seed(0)
    cell = CELLS[name](input_dim=INPUT, hidden_dim=HIDDEN).double()
    for parameter in cell.parameters():  # biases too, which start at 0
        torch.nn.init.normal_(parameter, std=0.5)
    return cell


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def one_step(
    name: str, x: np.ndarray, state: list[np.ndarray], W: dict[str, np.ndarray]
) -> list[np.ndarray]:
    """The equations for one row, gate by gate."""
    h = state[0]
    a = np.split(W["weight_ih_l0"] @ x + W["bias_ih_l0"], len(W["weight_ih_l0"]) // HIDDEN)
    U = np.split(W["weight_hh_l0"], len(a))
    b = np.split(W["bias_hh_l0"], len(a))
    if name == "lstm":
        i, f, g, o = (a[k] + U[k] @ h + b[k] for k in range(4))
        c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
        return [sigmoid(o) * np.tanh(c), c]
    if name.startswith("gru"):
        r, z = (sigmoid(a[k] + U[k] @ h + b[k]) for k in range(2))
        if name == "gru_before":
            candidate = np.tanh(a[2] + U[2] @ (r * h) + b[2])
            return [(1 - z) * h + z * candidate]
        candidate = np.tanh(a[2] + r * (U[2] @ h + b[2]))
        return [(1 - z) * candidate + z * h]
    total = a[0] + U[0] @ h + b[0]
    return [np.tanh(total) if name == "elman_tanh" else np.maximum(total, 0)]


@pytest.mark.parametrize("name", CELLS)
def test_step_equals_the_equations(name: str) -> None:
    cell = build(name)
    inputs = torch.randn(BATCH, STEPS, INPUT).double()
    state = cell.state_type(*torch.randn(len(cell.state_type._fields), BATCH, HIDDEN).double())
    W = {key: p.detach().numpy() for key, p in cell.kernel.named_parameters()}
    expected = [[field[n].numpy() for field in state] for n in range(BATCH)]
    for t in range(STEPS):
        output, state = cell(inputs[:, t], state)
        for n in range(BATCH):
            expected[n] = one_step(name, inputs[n, t].numpy(), expected[n], W)
            np.testing.assert_allclose(output[n].detach(), expected[n][0], rtol=1e-10, atol=1e-12)
            for field, value in zip(state, expected[n], strict=True):
                np.testing.assert_allclose(field[n].detach(), value, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_state_starts_at_zero_in_the_type_of_the_parameters(name: str) -> None:
    state = build(name).init_state(2)
    assert all(field.shape == (2, HIDDEN) for field in state)
    assert all(field.dtype == torch.float64 and not field.any() for field in state)
    assert state._fields[0] == "hidden"


@pytest.mark.parametrize("name", CELLS)
def test_projection_has_the_stated_size_for_any_leading_dimensions(name: str) -> None:
    cell = build(name)
    inputs = torch.randn(2, 7, INPUT).double()
    projected = cell.project(inputs)
    assert projected.shape == (2, 7, cell.projected_dim)
    torch.testing.assert_close(projected[1, 3], cell.project(inputs[1, 3]))


@pytest.mark.parametrize("name", CELLS)
def test_recurrent_matrices_start_orthogonal(name: str) -> None:
    cell = CELLS[name](input_dim=INPUT, hidden_dim=HIDDEN)
    for gate in cell.kernel.weight_hh_l0.detach().split(HIDDEN):
        torch.testing.assert_close(gate @ gate.T, torch.eye(HIDDEN))


def test_forget_gate_starts_open() -> None:
    cell = LSTMCell(input_dim=INPUT, hidden_dim=HIDDEN, forget_bias=2.5)
    state = cell.state_type(torch.zeros(1, HIDDEN), torch.ones(1, HIDDEN))
    _, (_, remembered) = cell(torch.zeros(1, INPUT), state)
    torch.testing.assert_close(remembered, torch.full((1, HIDDEN), sigmoid(2.5)))


@pytest.mark.parametrize(
    ("build_wrong", "message"),
    [
        (lambda: GRUCell(input_dim=1, hidden_dim=1, reset="during"), "reset='during'"),
        (lambda: ElmanCell(input_dim=1, hidden_dim=1, nonlinearity="x"), "nonlinearity='x'"),
    ],
)
def test_unknown_forms_are_refused(build_wrong: Callable[[], RecurrentCell], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_wrong()
