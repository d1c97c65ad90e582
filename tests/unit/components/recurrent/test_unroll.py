"""Unrolling: kernel against steps, and padding against truncation."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from seqlab.components.recurrent.elman import ElmanCell
from seqlab.components.recurrent.gru import GRUCell
from seqlab.components.recurrent.interface import RecurrentCell, State
from seqlab.components.recurrent.lstm import LSTMCell
from seqlab.components.recurrent.unroll import unroll

BATCH, STEPS, INPUT, HIDDEN = 4, 6, 3, 5
LENGTHS = torch.tensor([3, 6, 1, 4])

CELLS: dict[str, Callable[..., RecurrentCell]] = {
    "lstm": lambda **sizes: LSTMCell(forget_bias=1.0, **sizes),
    "gru_before": lambda **sizes: GRUCell(reset="before", **sizes),
    "gru_after": lambda **sizes: GRUCell(reset="after", **sizes),
    "elman_tanh": lambda **sizes: ElmanCell(nonlinearity="tanh", **sizes),
    "elman_relu": lambda **sizes: ElmanCell(nonlinearity="relu", **sizes),
}


@pytest.fixture(params=CELLS)
def cell(request: pytest.FixtureRequest) -> RecurrentCell:
    torch.manual_seed(0)
    return CELLS[request.param](input_dim=INPUT, hidden_dim=HIDDEN).double()


@pytest.fixture
def inputs() -> Tensor:
    return torch.randn(BATCH, STEPS, INPUT, generator=torch.Generator().manual_seed(5)).double()


def random_state(cell: RecurrentCell) -> State:
    generator = torch.Generator().manual_seed(6)
    shape = (len(cell.state_type._fields), BATCH, HIDDEN)
    return cell.state_type(*torch.randn(shape, generator=generator).double())


def step_by_step(cell: RecurrentCell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    outputs = []
    for t in range(inputs.shape[1]):
        output, state = cell(inputs[:, t], state)
        outputs.append(output)
    return torch.stack(outputs, dim=1), state


def gradients(cell: RecurrentCell, outputs: Tensor, state: State) -> list[Tensor]:
    loss = outputs.square().sum() + sum(field.sin().sum() for field in state)
    return list(torch.autograd.grad(loss, list(cell.parameters())))


def test_unrolled_equals_stepped_with_its_gradients(cell: RecurrentCell, inputs: Tensor) -> None:
    fast = unroll(cell, inputs, random_state(cell))
    slow = step_by_step(cell, inputs, random_state(cell))
    torch.testing.assert_close(fast, slow)
    torch.testing.assert_close(gradients(cell, *fast), gradients(cell, *slow))


def test_padding_equals_truncation(cell: RecurrentCell, inputs: Tensor) -> None:
    start = random_state(cell)
    outputs, last = unroll(cell, inputs, start, LENGTHS)
    for n, length in enumerate(LENGTHS.tolist()):
        row = slice(n, n + 1)
        alone = step_by_step(cell, inputs[row, :length], type(start)(*(f[row] for f in start)))
        torch.testing.assert_close(outputs[row, :length], alone[0])
        assert not outputs[row, length:].any()
        for field, expected in zip(last, alone[1], strict=True):
            torch.testing.assert_close(field[row], expected)


def test_what_is_in_the_padding_changes_nothing(cell: RecurrentCell, inputs: Tensor) -> None:
    other = inputs.clone()
    for n, length in enumerate(LENGTHS.tolist()):
        other[n, length:] = 100.0
    longer = torch.cat([other, torch.full((BATCH, 2, INPUT), -100.0).double()], dim=1)

    outputs, last = unroll(cell, inputs, random_state(cell), LENGTHS)
    same_outputs, same_last = unroll(cell, longer, random_state(cell), LENGTHS)
    assert torch.equal(same_outputs[:, :STEPS], outputs)
    assert not same_outputs[:, STEPS:].any()
    assert all(torch.equal(a, b) for a, b in zip(last, same_last, strict=True))
    torch.testing.assert_close(
        gradients(cell, same_outputs, same_last), gradients(cell, outputs, last)
    )


def test_kernel_is_used_where_torch_has_the_equation() -> None:
    for name, build in CELLS.items():
        cell = build(input_dim=INPUT, hidden_dim=HIDDEN)
        fused = cell.fused(torch.zeros(1, 2, INPUT), cell.init_state(1))
        assert (fused is None) == (name == "gru_before")
