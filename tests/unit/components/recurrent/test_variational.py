"""Variational dropout: one mask per sequence, in the state, in training only."""

from functools import partial

import pytest
import torch
from torch import Tensor

from seqlab.components.decoding import tree
from seqlab.components.recurrent.lstm import LSTMCell
from seqlab.components.recurrent.stacked import Stacked
from seqlab.components.recurrent.unroll import unroll
from seqlab.components.recurrent.variational import VariationalCell

BATCH, STEPS, INPUT, HIDDEN = 64, 5, 20, 30


def build(input_dropout: float = 0.25, recurrent_dropout: float = 0.5) -> VariationalCell:
    torch.manual_seed(0)
    return VariationalCell(
        input_dim=INPUT,
        hidden_dim=HIDDEN,
        cell=partial(LSTMCell, forget_bias=1.0),
        input_dropout=input_dropout,
        recurrent_dropout=recurrent_dropout,
    ).double()


@pytest.fixture
def inputs() -> Tensor:
    return torch.randn(BATCH, STEPS, INPUT, generator=torch.Generator().manual_seed(5)).double()


def test_masks_drop_the_stated_share_and_keep_the_mean() -> None:
    state = build().init_state(BATCH)
    for mask, share in ((state.input_mask, 0.25), (state.recurrent_mask, 0.5)):
        assert mask.unique().tolist() == pytest.approx([0.0, 1 / (1 - share)])
        assert float((mask == 0).double().mean()) == pytest.approx(share, abs=0.04)
        assert not torch.equal(mask[0], mask[1])
    assert state.input_mask.shape == (BATCH, INPUT)
    assert state.recurrent_mask.shape == (BATCH, HIDDEN)


def test_evaluation_and_no_dropout_are_the_cell_itself(inputs: Tensor) -> None:
    cell = build().eval()
    expected = unroll(cell.cell, inputs, cell.cell.init_state(BATCH))
    state = cell.init_state(BATCH)
    assert state.input_mask is None
    assert state.recurrent_mask is None
    assert torch.equal(unroll(cell, inputs, state)[0], expected[0])

    none = build(0.0, 0.0).train()
    assert torch.equal(unroll(none, inputs, none.init_state(BATCH))[0], expected[0])


def test_a_sequence_keeps_its_masks(inputs: Tensor) -> None:
    """What a mask drops has no influence at any step; what it keeps is scaled."""
    cell = build().train()
    state = cell.init_state(BATCH)
    outputs, last = unroll(cell, inputs, state)
    assert last.input_mask is state.input_mask
    assert last.recurrent_mask is state.recurrent_mask

    dropped = (state.input_mask == 0).unsqueeze(1)
    changed = torch.where(dropped, inputs + 3, inputs)
    assert torch.equal(unroll(cell, changed, state)[0], outputs)

    kernel, expected, inner = cell.cell, [], state.inner
    for x in inputs.unbind(dim=1):
        gates = (
            (x * state.input_mask) @ kernel.kernel.weight_ih_l0.T
            + (inner.hidden * state.recurrent_mask) @ kernel.kernel.weight_hh_l0.T
            + kernel.kernel.bias_ih_l0
        )
        i, f, g, o = gates.chunk(4, dim=1)
        memory = f.sigmoid() * inner.cell + i.sigmoid() * g.tanh()
        inner = type(inner)(o.sigmoid() * memory.tanh(), memory)
        expected.append(inner.hidden)
    torch.testing.assert_close(outputs, torch.stack(expected, dim=1))


def test_masks_move_along_with_the_rows_of_a_search() -> None:
    state = build().init_state(4)
    rows = torch.tensor([2, 2, 0])
    chosen = tree.select(state, rows)
    assert torch.equal(chosen.recurrent_mask, state.recurrent_mask[rows])
    assert torch.equal(tree.repeat(state, 2).input_mask[5], state.input_mask[2])


def test_going_on_from_another_sequence_draws_anew() -> None:
    cell, other = build().train(), build().train()
    ended = other.init_state(BATCH)._replace(
        inner=other.cell.start(
            {"hidden": torch.ones(BATCH, HIDDEN), "cell": torch.ones(BATCH, HIDDEN)}
        )
    )
    state = cell.restart(ended)
    assert state.inner is ended.inner
    assert torch.equal(state.hidden, ended.inner.hidden)
    assert not torch.equal(state.input_mask, ended.input_mask)
    assert cell.eval().restart(ended).recurrent_mask is None


def test_each_layer_has_a_mask_of_its_own() -> None:
    torch.manual_seed(0)
    inner = partial(
        VariationalCell,
        cell=partial(LSTMCell, forget_bias=1.0),
        input_dropout=0.25,
        recurrent_dropout=0.5,
    )
    stack = Stacked(input_dim=INPUT, hidden_dim=HIDDEN, cell=inner, num_layers=2, dropout=0.0)
    first, second = stack.train().init_state(BATCH).layers
    assert first.input_mask.shape == (BATCH, INPUT)
    assert second.input_mask.shape == (BATCH, HIDDEN)
    assert not torch.equal(first.recurrent_mask, second.recurrent_mask)
    ended = stack.init_state(BATCH)
    anew = stack.restart(ended).layers
    assert not torch.equal(anew[1].recurrent_mask, ended.layers[1].recurrent_mask)

    around = VariationalCell(
        input_dim=INPUT,
        hidden_dim=HIDDEN,
        cell=partial(Stacked, cell=inner, num_layers=2, dropout=0.0),
        input_dropout=0.0,
        recurrent_dropout=0.5,
    ).init_state(BATCH)
    assert [mask.shape for mask in around.recurrent_mask] == [(BATCH, HIDDEN)] * 2
