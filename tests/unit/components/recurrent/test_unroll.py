"""Unrolling every cell: kernels against steps, padding against truncation, gradients."""

import pytest
import torch
from torch import Tensor

from seqlab.components.recurrent.interface import RecurrentCell, State
from seqlab.components.recurrent.unroll import unroll
from seqlab.components.tree import map_tensors, tensors
from tests.unit.components.recurrent.cells import CELLS, PLAIN, build, random_state, step_by_step

BATCH, STEPS, INPUT, HIDDEN = 4, 6, 3, 5
LENGTHS = torch.tensor([3, 6, 1, 4])
KERNELS = {"lstm", "gru_after", "elman_tanh", "elman_relu", "peephole_none", "feedforward"}


@pytest.fixture(params=CELLS)
def cell(request: pytest.FixtureRequest) -> RecurrentCell:
    return build(request.param, INPUT, HIDDEN)


@pytest.fixture
def inputs() -> Tensor:
    return torch.randn(BATCH, STEPS, INPUT, generator=torch.Generator().manual_seed(5)).double()


def gradients(of: list[Tensor], outputs: Tensor, state: State) -> list[Tensor]:
    loss = outputs.square().sum() + sum(tensor.sin().sum() for tensor in tensors(state))
    return list(torch.autograd.grad(loss, of))


def test_unrolled_equals_stepped_with_its_gradients(cell: RecurrentCell, inputs: Tensor) -> None:
    fast = unroll(cell, inputs, random_state(cell, BATCH))
    slow = step_by_step(cell, inputs, random_state(cell, BATCH))
    torch.testing.assert_close(fast[0], slow[0])
    torch.testing.assert_close(list(tensors(fast[1])), list(tensors(slow[1])))
    parameters = list(cell.parameters())
    torch.testing.assert_close(gradients(parameters, *fast), gradients(parameters, *slow))


def test_padding_equals_truncation(cell: RecurrentCell, inputs: Tensor) -> None:
    start = random_state(cell, BATCH)
    outputs, last = unroll(cell, inputs, start, LENGTHS)
    for n, length in enumerate(LENGTHS.tolist()):
        row = slice(n, n + 1)
        own = map_tensors(lambda tensor, row=row: tensor[row], start)
        alone = step_by_step(cell, inputs[row, :length], own)
        torch.testing.assert_close(outputs[row, :length], alone[0])
        assert not outputs[row, length:].any()
        for tensor, expected in zip(tensors(last), tensors(alone[1]), strict=True):
            torch.testing.assert_close(tensor[row], expected)


def test_what_is_in_the_padding_changes_nothing(cell: RecurrentCell, inputs: Tensor) -> None:
    other = inputs.clone()
    for n, length in enumerate(LENGTHS.tolist()):
        other[n, length:] = 100.0
    longer = torch.cat([other, torch.full((BATCH, 2, INPUT), -100.0).double()], dim=1)
    for each in (inputs, longer):
        each.requires_grad_()

    outputs, last = unroll(cell, inputs, random_state(cell, BATCH), LENGTHS)
    same_outputs, same_last = unroll(cell, longer, random_state(cell, BATCH), LENGTHS)
    torch.testing.assert_close(same_outputs[:, :STEPS], outputs, rtol=0, atol=1e-14)
    assert not same_outputs[:, STEPS:].any()
    torch.testing.assert_close(list(tensors(same_last)), list(tensors(last)), rtol=0, atol=1e-14)

    parameters = list(cell.parameters())
    plain = gradients([inputs, *parameters], outputs, last)
    padded = gradients([longer, *parameters], same_outputs, same_last)
    torch.testing.assert_close(padded[1:], plain[1:])
    torch.testing.assert_close(padded[0][:, :STEPS], plain[0])
    real = torch.arange(STEPS + 2) < LENGTHS.unsqueeze(1)
    assert not padded[0][~real].any()


@pytest.mark.parametrize("name", CELLS)
def test_gradients_equal_differences(name: str) -> None:
    cell = build(name, 2, 2)
    inputs = torch.randn(2, 3, 2).double().requires_grad_()
    start = random_state(cell, 2)
    hidden = start.hidden.clone().requires_grad_()

    def run(inputs: Tensor, hidden: Tensor, *_: Tensor) -> tuple[Tensor, ...]:
        state = start._replace(hidden=hidden)
        outputs, last = unroll(cell, inputs, state, torch.tensor([3, 2]))
        return outputs, torch.cat([tensor.flatten(1) for tensor in tensors(last)], dim=1)

    assert torch.autograd.gradcheck(run, (inputs, hidden, *cell.parameters()), fast_mode=True)


@pytest.mark.parametrize("name", PLAIN)
def test_kernel_is_used_where_torch_has_the_equation(name: str) -> None:
    cell = build(name, INPUT, HIDDEN)
    fused = cell.fused(torch.zeros(1, 2, INPUT).double(), cell.init_state(1))
    assert (fused is not None) == (name in KERNELS)
