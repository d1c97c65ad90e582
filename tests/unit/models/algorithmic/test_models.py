"""Models of algorithms against loops, and what they must not see."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from seqlab.components.memory.ntm import NTMCell
from seqlab.components.recurrent.interface import RecurrentCell
from seqlab.components.recurrent.lstm import LSTMCell
from seqlab.components.recurrent.stacked import Stacked
from seqlab.models.algorithmic.feedforward import FeedForward
from seqlab.models.algorithmic.grid_lstm import GridLSTMTransducer
from seqlab.models.algorithmic.recurrent_transducer import RecurrentTransducer
from seqlab.models.interfaces import AlgorithmicModel

Array = NDArray[np.float64]

lstm = partial(LSTMCell, forget_bias=1.0)
stacked = partial(Stacked, cell=lstm, num_layers=2, dropout=0.0)
ntm = partial(
    NTMCell,
    controller=lstm,
    num_slots=5,
    slot_size=3,
    num_reads=2,
    num_writes=1,
    similarity="cosine",
    shift_range=1,
    initial_memory="constant",
)


def transducer(recurrent: Callable[..., RecurrentCell]) -> RecurrentTransducer:
    torch.manual_seed(0)
    model = RecurrentTransducer(input_dim=3, output_dim=2, recurrent=recurrent, hidden_dim=4)
    return model.double().eval()


def grid(**changed: object) -> GridLSTMTransducer:
    torch.manual_seed(0)
    settings = {
        "input_dim": 3,
        "output_dim": 2,
        "num_steps": 0,
        "hidden_dim": 4,
        "num_layers": 3,
        "tied": True,
        "depth_priority": False,
        "forget_bias": 0.0,
    }
    model = GridLSTMTransducer(**(settings | changed)).double().eval()
    for parameter in model.parameters():  # the biases too
        torch.nn.init.normal_(parameter, std=0.5)
    return model


MODELS: dict[str, Callable[[], AlgorithmicModel]] = {
    "lstm": lambda: transducer(stacked),
    "ntm": lambda: transducer(ntm),
    "tied grid": grid,
    "untied grid": lambda: grid(tied=False),
    "grid with priority": lambda: grid(depth_priority=True),
}


@pytest.mark.parametrize("name", MODELS)
def test_no_output_depends_on_what_comes_later(name: str) -> None:
    model = MODELS[name]()
    inputs = torch.randn(2, 6, 3).double()
    changed = inputs.clone()
    changed[:, 4:] = torch.randn(2, 2, 3).double()
    lengths = torch.tensor([6, 6])
    first, second = model(inputs, lengths), model(changed, lengths)
    assert first.shape == (2, 6, 2)
    torch.testing.assert_close(first[:, :4], second[:, :4], rtol=0, atol=1e-12)
    assert not torch.allclose(first[:, 4:], second[:, 4:])


@pytest.mark.parametrize("name", MODELS)
def test_neither_padding_nor_the_rest_of_a_batch_changes_an_output(name: str) -> None:
    model = MODELS[name]()
    inputs = torch.randn(2, 6, 3).double()
    alone = model(inputs[1:, :4], torch.tensor([4]))
    together = model(inputs, torch.tensor([6, 4]))
    torch.testing.assert_close(together[1:, :4], alone, rtol=0, atol=1e-12)


def test_a_transducer_repeats_its_cell() -> None:
    model = transducer(ntm)
    inputs = torch.randn(2, 4, 3).double()
    state, outputs = model.cell.init_state(2), []
    for x in inputs.unbind(dim=1):
        hidden, state = model.cell(x, state)
        outputs.append(hidden @ model.output.weight.t() + model.output.bias)
    torch.testing.assert_close(model(inputs, torch.tensor([4, 4])), torch.stack(outputs, dim=1))


def test_a_trace_is_what_the_memory_did_at_each_step() -> None:
    model = transducer(ntm)
    inputs = torch.randn(4, 3).double()
    trace = model.trace(inputs)
    assert {name: tuple(part.shape) for name, part in trace.items()} == {
        **dict.fromkeys(("read_1", "read_2", "write_1"), (4, 5)),
        **dict.fromkeys(("gate_read_1", "gate_read_2", "gate_write_1"), (4, 1)),
    }
    state = model.cell.init_state(1)
    for t, x in enumerate(inputs):
        _, state = model.cell(x.unsqueeze(0), state)
        torch.testing.assert_close(trace["read_2"][t], state.weightings[0, 1])
    assert transducer(stacked).trace(inputs) == {}


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def lstm_block(weight: Array, bias: Array, joined: Array, memory: Array) -> tuple[Array, Array]:
    """Kalchbrenner et al. (2016), equation 2, with the lecture's h' = tanh(o m')."""
    u, f, o, c = np.split(weight @ joined + bias, 4)
    memory = sigmoid(f) * memory + sigmoid(u) * np.tanh(c)
    return np.tanh(sigmoid(o) * memory), memory


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("priority", [True, False])
def test_a_2_lstm_is_a_loop_over_time_and_depth(tied: bool, priority: bool) -> None:
    model = grid(tied=tied, depth_priority=priority)
    inputs = torch.randn(2, 4, 3).double()
    found = model(inputs, torch.tensor([4, 4])).detach().numpy()
    time_w, depth_w = (part.detach().numpy() for part in model.grid.weights)  # [U, 4 H, 2 H]
    time_b, depth_b = (part.detach().numpy() for part in model.grid.biases)
    enter_w, enter_b = model.enter.weight.detach().numpy(), model.enter.bias.detach().numpy()
    out_w, out_b = model.output.weight.detach().numpy(), model.output.bias.detach().numpy()
    assert len(time_w) == (1 if tied else 3)
    for row in range(2):
        passed = [(np.zeros(4), np.zeros(4))] * 3  # along time, in each layer
        for t, x in enumerate(inputs[row].numpy()):
            hidden, memory = np.split(enter_w @ x + enter_b, 2)
            for layer in range(3):
                own = 0 if tied else layer
                before, before_memory = passed[layer]
                joined = np.concatenate([before, hidden])
                passed[layer] = lstm_block(time_w[own], time_b[own], joined, before_memory)
                if priority:
                    joined = np.concatenate([passed[layer][0], hidden])
                hidden, memory = lstm_block(depth_w[own], depth_b[own], joined, memory)
            expected = out_w @ np.concatenate([hidden, memory]) + out_b
            np.testing.assert_allclose(found[row, t], expected, rtol=1e-9)


@pytest.mark.parametrize("tied", [True, False])
def test_a_1_lstm_is_a_loop_over_depth(tied: bool) -> None:
    model = grid(tied=tied, num_steps=1)
    inputs = torch.randn(2, 1, 3).double()
    found = model(inputs, torch.tensor([1, 1])).detach().numpy()
    (weight,), (bias,) = model.grid.weights, model.grid.biases
    assert weight.shape == (1 if tied else 3, 16, 4)  # H is h of the depth alone
    for row in range(2):
        entered = model.enter(inputs[row, 0]).detach().numpy()
        hidden, memory = np.split(entered, 2)
        for layer in range(3):
            own = 0 if tied else layer
            hidden, memory = lstm_block(
                weight[own].detach().numpy(), bias[own].detach().numpy(), hidden, memory
            )
        left = torch.from_numpy(np.concatenate([hidden, memory]))
        np.testing.assert_allclose(found[row, 0], model.output(left).detach(), rtol=1e-9)


@pytest.mark.parametrize(
    ("nonlinearity", "act"), [("tanh", np.tanh), ("relu", lambda x: x * (x > 0))]
)
@pytest.mark.parametrize("tied", [True, False])
def test_a_feed_forward_network_is_its_layers(
    tied: bool, nonlinearity: str, act: Callable[[Array], Array]
) -> None:
    torch.manual_seed(0)
    model = FeedForward(
        input_dim=3,
        output_dim=2,
        num_steps=1,
        hidden_dim=4,
        num_layers=4,
        nonlinearity=nonlinearity,
        tied=tied,
    ).double()
    inputs = torch.randn(5, 1, 3).double()
    hidden = inputs[:, 0].numpy()
    for layer in (model.enter, *model.layers):
        weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        hidden = act(hidden @ weight.T + bias)
    expected = hidden @ model.output.weight.detach().numpy().T + model.output.bias.detach().numpy()
    found = model(inputs, torch.ones(5)).detach().numpy()
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-12)
    # 3 layers of 4 x 4 after the one that reads: of one matrix where they are tied.
    assert sum(p.numel() for p in model.layers.parameters()) == (20 if tied else 60)


@pytest.mark.parametrize(("num_steps", "said"), [(0, "several lengths"), (7, "not of 7 steps")])
def test_a_feed_forward_network_takes_no_sequence(num_steps: int, said: str) -> None:
    with pytest.raises(ValueError, match=f"it takes data of 1 step, as data=parity.*{said}"):
        FeedForward(
            input_dim=3,
            output_dim=2,
            num_steps=num_steps,
            hidden_dim=4,
            num_layers=2,
            nonlinearity="relu",
            tied=False,
        )


def test_what_a_grid_cannot_be() -> None:
    with pytest.raises(ValueError, match="num_layers is at least 1, not 0"):
        grid(num_layers=0)
    with pytest.raises(ValueError, match="one step have no time"):
        grid(num_steps=1, depth_priority=True)
