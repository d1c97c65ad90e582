"""Reading both ways, against torch's bidirectional modules and against rows read alone."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqlab.components.recurrent.bidirectional import Bidirectional, reverse
from tests.unit.components.recurrent.kernel_cells import (
    BATCH,
    CELLS,
    HIDDEN,
    INPUT,
    LENGTHS,
    STEPS,
    TORCH,
)


def encoder(name: str) -> Bidirectional:
    torch.manual_seed(0)
    sizes = {"input_dim": INPUT, "hidden_dim": HIDDEN}
    both = Bidirectional(forward=CELLS[name](**sizes), backward=CELLS[name](**sizes)).double()
    for parameter in both.parameters():
        nn.init.normal_(parameter, std=0.5)
    return both


@pytest.mark.parametrize("name", TORCH)
def test_equals_torch(name: str, inputs: Tensor) -> None:
    ours = encoder(name)
    theirs = TORCH[name](INPUT, HIDDEN, batch_first=True, bidirectional=True).double()
    with torch.no_grad():
        for key, parameter in ours.forward_cell.kernel.named_parameters():
            getattr(theirs, key).copy_(parameter)
        for key, parameter in ours.backward_cell.kernel.named_parameters():
            getattr(theirs, f"{key}_reverse").copy_(parameter)
    packed = pack_padded_sequence(inputs, LENGTHS, batch_first=True, enforce_sorted=False)
    expected, last = theirs(packed)
    expected, _ = pad_packed_sequence(expected, batch_first=True, total_length=STEPS)
    fields = last if isinstance(last, tuple) else (last,)

    outputs, (forward, backward) = ours(inputs, LENGTHS)
    torch.testing.assert_close(outputs, expected)
    for ahead, back, field in zip(forward, backward, fields, strict=True):
        torch.testing.assert_close(torch.stack([ahead, back]), field)


@pytest.mark.parametrize("name", CELLS)
def test_a_row_is_the_same_alone_without_its_padding(name: str, inputs: Tensor) -> None:
    both = encoder(name)
    longer = torch.cat([inputs, torch.full((BATCH, 2, INPUT), 100.0).double()], dim=1)
    outputs, states = both(longer, LENGTHS)
    assert outputs.shape == (BATCH, STEPS + 2, both.output_dim)
    for n, length in enumerate(LENGTHS.tolist()):
        alone, own = both(inputs[n : n + 1, :length], LENGTHS[n : n + 1])
        torch.testing.assert_close(outputs[n, :length], alone[0])
        assert not outputs[n, length:].any()
        for state, expected in zip(states, own, strict=True):
            torch.testing.assert_close([f[n] for f in state], [f[0] for f in expected])


@pytest.mark.parametrize("name", CELLS)
def test_the_last_output_of_each_direction_is_its_state(name: str, inputs: Tensor) -> None:
    outputs, (forward, backward) = encoder(name)(inputs, LENGTHS)
    rows = torch.arange(BATCH)
    torch.testing.assert_close(outputs[rows, LENGTHS - 1, :HIDDEN], forward.hidden)
    torch.testing.assert_close(outputs[:, 0, HIDDEN:], backward.hidden)


def test_padding_gets_no_gradient(inputs: Tensor) -> None:
    inputs.requires_grad_()
    outputs, (forward, backward) = encoder("gru_before")(inputs, LENGTHS)
    loss = outputs.square().sum() + forward.hidden.sum() + backward.hidden.sum()
    (gradient,) = torch.autograd.grad(loss, [inputs])
    for n, length in enumerate(LENGTHS.tolist()):
        assert gradient[n, :length].any(dim=1).all()
        assert not gradient[n, length:].any()


def test_reversal_keeps_the_padding_in_place() -> None:
    tokens = torch.tensor([[1, 2, 3, 0], [4, 5, 6, 7], [8, 0, 0, 0]])
    assert reverse(tokens, torch.tensor([3, 4, 1])).tolist() == [
        [3, 2, 1, 0],
        [7, 6, 5, 4],
        [8, 0, 0, 0],
    ]
