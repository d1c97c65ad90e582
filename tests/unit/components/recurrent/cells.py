"""All recurrent cells at small sizes, for the tests that hold for each of them."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from seqlab.components.recurrent.coupled_lstm import CoupledLSTMCell
from seqlab.components.recurrent.deep_output import DeepOutputCell
from seqlab.components.recurrent.deep_transition import DeepTransitionCell
from seqlab.components.recurrent.delayed import DelayedCell
from seqlab.components.recurrent.elman import ElmanCell
from seqlab.components.recurrent.gru import GRUCell
from seqlab.components.recurrent.interface import RecurrentCell, State
from seqlab.components.recurrent.leaky import LeakyCell
from seqlab.components.recurrent.lstm import LSTMCell
from seqlab.components.recurrent.peephole_lstm import PeepholeLSTMCell
from seqlab.components.recurrent.stacked import Stacked
from seqlab.components.recurrent.variational import VariationalCell
from seqlab.components.tree import map_tensors

Factory = Callable[..., RecurrentCell]

PLAIN: dict[str, Factory] = {
    "lstm": partial(LSTMCell, forget_bias=1.0),
    "gru_before": partial(GRUCell, reset="before"),
    "gru_after": partial(GRUCell, reset="after"),
    "elman_tanh": partial(ElmanCell, nonlinearity="tanh"),
    "elman_relu": partial(ElmanCell, nonlinearity="relu"),
    "leaky_learned": partial(LeakyCell, time_constants=(1.5, 9.0), learned=True),
    "leaky_fixed": partial(LeakyCell, time_constants=(1.0, 9.0), learned=False),
    "peephole_lstm": partial(
        PeepholeLSTMCell, peepholes=["input", "forget", "output"], forget_bias=1.0
    ),
    "peephole_output": partial(PeepholeLSTMCell, peepholes=["output"], forget_bias=1.0),
    "peephole_none": partial(PeepholeLSTMCell, peepholes=[], forget_bias=1.0),
    "coupled_lstm": partial(CoupledLSTMCell, peepholes=["input", "output"]),
    "coupled_plain": partial(CoupledLSTMCell, peepholes=[]),
    "delayed": partial(DelayedCell, delay=3),
    "deep_transition": partial(DeepTransitionCell, depth=3, shortcut=False),
    "deep_transition_shortcut": partial(DeepTransitionCell, depth=2, shortcut=True),
}
AROUND: dict[str, Factory] = {
    "deep_output": partial(DeepOutputCell, cell=PLAIN["gru_before"], depth=2),
    "stacked": partial(Stacked, cell=PLAIN["lstm"], num_layers=2, dropout=0.0),
    "stacked_delayed": partial(Stacked, cell=PLAIN["delayed"], num_layers=2, dropout=0.0),
    "variational": partial(
        VariationalCell, cell=PLAIN["lstm"], input_dropout=0.3, recurrent_dropout=0.4
    ),
    "variational_inputs": partial(
        VariationalCell, cell=PLAIN["gru_after"], input_dropout=0.3, recurrent_dropout=0.0
    ),
}
AROUND["stack_of_variational"] = partial(
    Stacked, cell=AROUND["variational"], num_layers=2, dropout=0.0
)
AROUND["variational_stack"] = partial(
    VariationalCell, cell=AROUND["stacked_delayed"], input_dropout=0.3, recurrent_dropout=0.4
)
AROUND["variational_twice"] = partial(
    VariationalCell, cell=AROUND["variational"], input_dropout=0.0, recurrent_dropout=0.2
)
AROUND["deep_output_of_stack"] = partial(DeepOutputCell, cell=AROUND["stacked"], depth=1)
CELLS = PLAIN | AROUND


def build(name: str, input_dim: int, hidden_dim: int) -> RecurrentCell:
    """A cell in double precision and in training, every parameter of it away from 0."""
    torch.manual_seed(0)
    cell = CELLS[name](input_dim=input_dim, hidden_dim=hidden_dim).double()
    for parameter in cell.parameters():  # biases too, which start at 0
        nn.init.normal_(parameter, std=0.5)
    return cell


def random_state(cell: RecurrentCell, batch_size: int, seed: int = 6) -> State:
    """A state as it might be after some steps, every number of it random; masks too."""
    torch.manual_seed(seed)
    state = cell.init_state(batch_size)
    return map_tensors(lambda tensor: torch.randn(tensor.shape).to(tensor), state)


def step_by_step(cell: RecurrentCell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    """Outputs [B, T, H] and the last state, without any unrolling."""
    outputs = []
    for each in inputs.unbind(dim=1):
        output, state = cell(each, state)
        outputs.append(output)
    return torch.stack(outputs, dim=1), state
