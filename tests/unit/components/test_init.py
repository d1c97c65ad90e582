"""How recurrent cells start: what each initialisation promises, and the order of its draws."""

from collections.abc import Iterator
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from seqlab.components.recurrent.interface import RecurrentCell
from tests.unit.components.recurrent.cells import PLAIN

INPUT, HIDDEN = 40, 30
RECURRENT = [name for name in PLAIN if name != "feedforward"]  # that has nothing to initialise so


def build(name: str, initialisation: str, scale: float | None = None) -> RecurrentCell:
    torch.manual_seed(0)
    factory = partial(PLAIN[name], initialisation=initialisation, initial_scale=scale)
    return factory(input_dim=INPUT, hidden_dim=HIDDEN)


def gates(cell: RecurrentCell) -> Iterator[tuple[bool, Tensor]]:
    """Each gate's matrix, and whether it is a recurrent one."""
    for key, parameter in cell.named_parameters():
        if parameter.dim() == 2:
            recurrent = "weight_ih" not in key and "input" not in key
            yield from ((recurrent, gate.detach()) for gate in parameter.split(HIDDEN))


@pytest.mark.parametrize("name", RECURRENT)
def test_every_initialisation_of_every_cell(name: str) -> None:
    eye = torch.eye(HIDDEN)
    for recurrent, gate in gates(build(name, "orthogonal")):
        if recurrent:
            torch.testing.assert_close(gate @ gate.T, eye)
    for recurrent, gate in gates(build(name, "orthogonal", 0.5)):
        if recurrent:
            torch.testing.assert_close(gate @ gate.T, eye / 4)
    for recurrent, gate in gates(build(name, "identity", 0.3)):
        if recurrent:
            assert torch.equal(gate, 0.3 * eye)
    for _, gate in gates(build(name, "uniform")):
        assert 0.075 < float(gate.abs().max()) <= 0.08
    for _, gate in gates(build(name, "normal", 0.2)):
        assert float(gate.std()) == pytest.approx(0.2, rel=0.1)
    for _, gate in gates(build(name, "xavier_uniform")):
        bound = (6 / sum(gate.shape)) ** 0.5
        assert 0.95 * bound < float(gate.abs().max()) <= bound


@pytest.mark.parametrize("name", ["gru_before", "elman_tanh", "leaky_fixed", "delayed"])
def test_biases_start_at_zero(name: str) -> None:
    for initialisation in ("orthogonal", "normal"):
        for parameter in build(name, initialisation).parameters():
            assert parameter.dim() == 2 or not parameter.any()


@pytest.mark.parametrize(
    ("name", "kernel"), [("lstm", nn.LSTM), ("gru_after", nn.GRU), ("elman_tanh", nn.RNN)]
)
def test_orthogonal_draws_as_ever(name: str, kernel: type[nn.RNNBase]) -> None:
    """Torch's own draws, then each gate's in order: seeds of older runs give the same networks."""
    cell = build(name, "orthogonal")
    torch.manual_seed(0)
    rnn = kernel(INPUT, HIDDEN)
    for gate in rnn.weight_hh_l0.detach().split(HIDDEN):
        nn.init.orthogonal_(gate)
    assert torch.equal(cell.kernel.weight_hh_l0, rnn.weight_hh_l0)
    assert torch.equal(cell.kernel.weight_ih_l0, rnn.weight_ih_l0)


def test_irnn_keeps_a_positive_state() -> None:
    cell = build("elman_relu", "identity")
    state = cell.state_type(torch.rand(2, HIDDEN))
    output, _ = cell(torch.zeros(2, INPUT), state)
    assert torch.equal(output, state.hidden)
