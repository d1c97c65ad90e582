"""Training steps of NTM and DNC beside the usual way to write them.

Both compute the same equations with the same weights on the same batch, and losses and gradients
are checked to be equal. The usual way (`usual_memory_cells`) has a linear layer per parameter of a
head, heads in a loop, and everything in the time loop. Steps of both alternate in one process, so
that what else the machine does falls on both; medians are printed. NTM copies (Graves et al.,
2014); DNC reads a story word by word and answers after it, at the sizes that it has here by
default: the paper's memory of 256 x 64 is a matter of a GPU.

    python -m benchmarks.memory_cells
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.measuring import Table, Work, peak_memory, print_profile, take_turns
from benchmarks.usual_memory_cells import UsualDNC, UsualNTM
from seqlab.components.memory.dnc import DNCCell
from seqlab.components.memory.ntm import NTMCell
from seqlab.components.recurrent.lstm import LSTMCell
from seqlab.components.recurrent.unroll import unroll

BATCH = 16
COPY_LENGTH, COPY_BITS, COPY_HIDDEN = 20, 8, 100
STORY_WORDS, STORY_INPUT, STORY_HIDDEN, ANSWERS = 60, 150, 256, 150


class Ours(nn.Module):
    """A memory cell as it is trained."""

    def __init__(self, cell: NTMCell | DNCCell) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs [B, T, H] of inputs [B, T, E]."""
        return unroll(self.cell, inputs, self.cell.init_state(len(inputs)))[0]


class Network(nn.Module):
    """A cell and an output layer."""

    def __init__(self, cell: nn.Module, output: nn.Linear) -> None:
        super().__init__()
        self.cell, self.output = cell, output

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits [B, T, C] of inputs [B, T, E]."""
        return self.output(self.cell(inputs))


class Case(NamedTuple):
    """What is measured of a cell."""

    networks: dict[str, Network]
    inputs: Tensor  # [B, T, E]
    loss: Callable[[Tensor], Tensor]  # of logits [B, T, C]
    what: str


def ntm() -> Case:
    """Copy of 20 vectors of 8 bits."""
    torch.manual_seed(0)
    cell = NTMCell(
        input_dim=COPY_BITS + 2,
        hidden_dim=COPY_HIDDEN,
        controller=partial(LSTMCell, forget_bias=1.0),
        num_slots=128,
        slot_size=20,
        num_reads=1,
        num_writes=1,
        similarity="cosine",
        shift_range=1,
        initial_memory="constant",
    )
    bits = torch.randint(0, 2, (BATCH, COPY_LENGTH, COPY_BITS)).float()
    inputs = torch.zeros(BATCH, 2 * COPY_LENGTH + 2, COPY_BITS + 2)
    inputs[:, 1 : COPY_LENGTH + 1, :COPY_BITS] = bits
    inputs[:, 0, COPY_BITS] = inputs[:, COPY_LENGTH + 1, COPY_BITS + 1] = 1

    def loss(logits: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(logits[:, -COPY_LENGTH:], bits)

    what = f"copy of {COPY_LENGTH}, memory 128 x 20, controller {COPY_HIDDEN}"
    return Case(networks(cell, UsualNTM(cell), COPY_BITS), inputs, loss, what)


def dnc() -> Case:
    """A story of 60 words and an answer at its end."""
    torch.manual_seed(0)
    cell = DNCCell(
        input_dim=STORY_INPUT,
        hidden_dim=STORY_HIDDEN,
        controller=partial(LSTMCell, forget_bias=1.0),
        num_slots=64,
        slot_size=32,
        num_reads=4,
        training_slots=None,
        free_bias=0.0,
        clip=20.0,
    )
    inputs = torch.randn(BATCH, STORY_WORDS, STORY_INPUT) / 4
    answers = torch.randint(0, ANSWERS, (BATCH,))

    def loss(logits: Tensor) -> Tensor:
        return F.cross_entropy(logits[:, -1], answers)

    what = f"{STORY_WORDS} words of {STORY_INPUT}, memory 64 x 32, 4 heads that read, "
    what += f"controller {STORY_HIDDEN}"
    return Case(networks(cell, UsualDNC(cell), ANSWERS), inputs, loss, what)


def networks(cell: NTMCell | DNCCell, usual: nn.Module, classes: int) -> dict[str, Network]:
    """Both, with equal weights."""
    output = nn.Linear(cell.hidden_dim, classes)
    other = nn.Linear(cell.hidden_dim, classes)
    other.load_state_dict(output.state_dict())
    return {"usual": Network(usual, other), "seqlab": Network(Ours(cell), output)}


CASES = {"ntm": ntm, "dnc": dnc}


def train_step(case: Case, name: str) -> Tensor:
    """The loss of a batch, and its gradients; no optimizer, which is the same for both."""
    network = case.networks[name]
    network.zero_grad(set_to_none=True)
    loss = case.loss(network(case.inputs))
    loss.backward()
    return loss.detach()


def check_equal(case: Case) -> None:
    """Raises AssertionError where the two do not compute the same loss and gradients."""
    loss = train_step(case, "usual")
    torch.testing.assert_close(train_step(case, "seqlab"), loss)
    usual, ours = case.networks["usual"].cell, case.networks["seqlab"].cell.cell
    heads = ours.to_heads if isinstance(ours, NTMCell) else ours.to_interface
    kernel = ours.controller.kernel
    pairs = {
        "heads": (usual.parameters_of.gradient(), heads.weight.grad),
        "recurrence": (usual.controller.cell.weight_hh.grad, kernel.weight_hh_l0.grad),
        "inputs": (
            usual.controller.cell.weight_ih.grad,
            torch.cat([kernel.weight_ih_l0.grad, ours.from_reads.weight.grad], dim=1),
        ),
        "output": (usual.controller.read_output.weight.grad, ours.read_output.weight.grad),
    }
    for name, (expected, found) in pairs.items():
        error = (found - expected).norm() / expected.norm()
        assert error < 1e-3, f"gradients of {name} differ by {error:.1e} of their norm"
    print(f"equal: loss {loss:.6f}, gradients of {', '.join(pairs)}")


def make_step(cell: str, name: str) -> Work:
    """A step with weights and data of its own."""
    return partial(train_step, CASES[cell](), name)


def main() -> None:
    """Check that both compute the same, measure both, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=9, help="timed steps of each")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--profile", action="store_true", help="where our time goes, by operator")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"training step: batch {BATCH}, {arguments.threads} threads, torch {torch.__version__}")
    for cell, make in CASES.items():
        case = make()
        print(f"\n{cell}: {case.what}")
        check_equal(case)
        steps: dict[str, Work] = {name: partial(train_step, case, name) for name in case.networks}
        medians = take_turns(steps, arguments.repeats)
        table = Table(
            {
                "cell": (-8, ""),
                "ms": (8, ".1f"),
                "steps/s": (9, ".2f"),
                "times": (7, ".2f"),
                "MB": (7, ".0f"),
            }
        )
        for name, median in medians.items():
            peak = peak_memory(partial(make_step, cell, name))
            table.row(name, 1000 * median, 1 / median, medians["usual"] / median, peak)
        if arguments.profile:
            print_profile(steps["seqlab"])


if __name__ == "__main__":
    main()
