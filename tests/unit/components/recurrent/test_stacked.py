"""Stacks against torch's deep modules and against their layers run by hand."""

import pytest
import torch
from torch import Tensor, nn

from seqlab.components.recurrent.stacked import Stacked
from seqlab.components.recurrent.unroll import unroll
from seqlab.components.tree import map_tensors
from tests.unit.components.recurrent.kernel_cells import BATCH, CELLS, HIDDEN, INPUT, TORCH

LAYERS = 3


def stack(name: str, dropout: float = 0.0) -> Stacked:
    torch.manual_seed(0)
    cell = Stacked(
        input_dim=INPUT,
        hidden_dim=HIDDEN,
        cell=CELLS[name],
        num_layers=LAYERS,
        dropout=dropout,
    ).double()
    for parameter in cell.parameters():
        nn.init.normal_(parameter, std=0.5)
    return cell


@pytest.mark.parametrize("name", TORCH)
def test_equals_torch(name: str, inputs: Tensor) -> None:
    ours = stack(name)
    theirs = TORCH[name](INPUT, HIDDEN, num_layers=LAYERS, batch_first=True).double()
    with torch.no_grad():
        for number, layer in enumerate(ours.layers):
            for key, parameter in layer.kernel.named_parameters():
                getattr(theirs, key.replace("l0", f"l{number}")).copy_(parameter)
    names = list(ours.layers[0].state_type._fields)
    start = torch.randn(len(names), LAYERS, BATCH, HIDDEN).double()
    values = {
        f"{key}_{number}": start[at, number]
        for at, key in enumerate(names)
        for number in range(LAYERS)
    }
    expected, last = theirs(inputs, tuple(start) if len(names) > 1 else start[0])
    fields = last if isinstance(last, tuple) else (last,)

    outputs, state = unroll(ours, inputs, ours.start(values))
    torch.testing.assert_close(outputs, expected)
    for number, layer in enumerate(state.layers):
        torch.testing.assert_close(list(layer), [field[number] for field in fields])
    torch.testing.assert_close(state.hidden, expected[:, -1])


@pytest.mark.parametrize("name", CELLS)
def test_steps_equal_the_layers_one_after_the_other(name: str, inputs: Tensor) -> None:
    cell = stack(name)
    state = cell.init_state(BATCH)
    stepped = []
    for each in inputs.unbind(dim=1):
        output, state = cell(each, state)
        assert torch.equal(state.hidden, output)
        stepped.append(output)
    layerwise = inputs
    for layer in cell.layers:
        layerwise, _ = unroll(layer, layerwise, layer.init_state(BATCH))
    torch.testing.assert_close(torch.stack(stepped, dim=1), layerwise)


def test_dropout_falls_between_layers_alone_and_anew_at_every_step() -> None:
    cell = stack("gru_after", dropout=0.5).train()
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.fill_(0.1)
    inputs = torch.ones(1, 2, INPUT).double()
    seen: list[Tensor] = []
    for layer in cell.layers:
        layer.kernel.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    outputs, _ = unroll(cell, inputs, cell.init_state(1))
    assert torch.equal(seen[0], inputs)
    assert (outputs != 0).all()
    torch.manual_seed(1)
    wide = cell.dropout(torch.ones(1, 50, HIDDEN))
    assert set(wide.unique().tolist()) == {0.0, 2.0}
    assert not torch.equal(wide[0, 0], wide[0, 1])
    assert (torch.cat(seen[1:]) == 0).any()
    assert torch.equal(cell.eval().dropout(wide), wide)


def test_each_layer_starts_from_its_own_vectors() -> None:
    cell = stack("lstm")
    sizes = cell.start_sizes()
    assert sizes == {f"{name}_{k}": HIDDEN for k in range(LAYERS) for name in ("hidden", "cell")}
    values = {
        name: torch.full((2, size), float(at)) for at, (name, size) in enumerate(sizes.items())
    }
    state = cell.start(values)
    assert [float(layer.cell[0, 0]) for layer in state.layers] == [1.0, 3.0, 5.0]
    assert torch.equal(state.hidden, state.layers[-1].hidden)
    assert cell.restart(state) == state


def test_state_has_the_batch_first_throughout() -> None:
    state = stack("lstm").init_state(7)
    shapes: list[int] = []
    map_tensors(lambda tensor: shapes.append(len(tensor)) or tensor, state)
    assert shapes == [7] * (1 + 2 * LAYERS)


def test_a_stack_without_layers_is_refused() -> None:
    with pytest.raises(ValueError, match="num_layers=0"):
        Stacked(input_dim=1, hidden_dim=1, cell=CELLS["lstm"], num_layers=0, dropout=0.0)
