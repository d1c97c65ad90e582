"""All recurrent cells at small sizes, for the tests that hold for each of them."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from seqlab.components.memory.dnc import DNCCell
from seqlab.components.memory.interface import MemoryCell
from seqlab.components.memory.ntm import NTMCell
from seqlab.components.recurrent.coupled_lstm import CoupledLSTMCell
from seqlab.components.recurrent.deep_output import DeepOutputCell
from seqlab.components.recurrent.deep_transition import DeepTransitionCell
from seqlab.components.recurrent.delayed import DelayedCell
from seqlab.components.recurrent.elman import ElmanCell
from seqlab.components.recurrent.feedforward import FeedForwardCell
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
    "feedforward": partial(FeedForwardCell, nonlinearity="tanh"),
}
NTM = partial(
    NTMCell,
    num_slots=6,
    slot_size=3,
    num_reads=2,
    num_writes=2,
    similarity="cosine",
    shift_range=1,
    initial_memory="constant",
)
DNC = partial(
    DNCCell,
    num_slots=5,
    slot_size=3,
    num_reads=2,
    training_slots=None,
    free_bias=0.0,
    clip=20.0,
)
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
    "ntm": partial(NTM, controller=PLAIN["lstm"]),
    "ntm_feedforward": partial(NTM, controller=PLAIN["feedforward"]),
    "dnc": partial(DNC, controller=PLAIN["lstm"]),
    "dnc_feedforward": partial(DNC, controller=PLAIN["feedforward"]),
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
AROUND["stacked_ntm"] = partial(Stacked, cell=AROUND["ntm"], num_layers=2, dropout=0.0)
AROUND["ntm_of_stack"] = partial(NTM, controller=AROUND["stacked"])
AROUND["variational_dnc"] = partial(
    VariationalCell, cell=AROUND["dnc"], input_dropout=0.3, recurrent_dropout=0.4
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
    if has_memory(cell):  # weightings are not any numbers
        with torch.no_grad():
            for _ in range(3):
                _, state = cell(torch.randn(batch_size, cell.input_dim).double(), state)
        return state
    return map_tensors(lambda tensor: torch.randn(tensor.shape).to(tensor), state)


def has_memory(cell: RecurrentCell) -> bool:
    """Whether a memory of slots is anywhere in a cell."""
    return any(isinstance(each, MemoryCell) for each in cell.modules())


def step_by_step(cell: RecurrentCell, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    """Outputs [B, T, H] and the last state, without any unrolling."""
    outputs = []
    for each in inputs.unbind(dim=1):
        output, state = cell(each, state)
        outputs.append(output)
    return torch.stack(outputs, dim=1), state
