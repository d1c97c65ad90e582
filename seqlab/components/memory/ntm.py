"""The neural Turing machine as a recurrent cell."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqlab.components.memory import addressing
from seqlab.components.memory.addressing import Similarity
from seqlab.components.memory.interface import MemoryCell
from seqlab.components.recurrent.interface import RecurrentCell, State

InitialMemory = Literal["constant", "random", "learned"]

CONSTANT = 1e-6  # in every number of a memory that starts constant


class NTMState(NamedTuple):
    """What one step hands to the next."""

    hidden: Tensor  # [B, H], the output
    controller: State
    memory: Tensor  # M, [B, N, M]
    reads: Tensor  # r, [B, R, M]
    weightings: Tensor  # w, [B, K, N], of the heads that read, then of those that write
    gates: Tensor  # g, [B, K, 1]


class Heads(NamedTuple):
    """What the controller tells its K heads, those that read first."""

    keys: Tensor  # k, [B, K, M]
    strengths: Tensor  # beta, at least 0, [B, K, 1]
    gates: Tensor  # g, 0 to 1, [B, K, 1]
    shifts: Tensor  # s, each row sums to 1, [B, K, 2r + 1]
    gammas: Tensor  # at least 1, [B, K, 1]
    erases: Tensor  # e, 0 to 1, [B, W, M]
    adds: Tensor  # a, [B, W, M]


class NTMCell(MemoryCell):
    """Neural Turing machine; Graves et al. (2014), section 3.

    The controller reads the input and what the heads read last. All heads find their places in the
    memory as the last step left it, then all erase, all add, and all read (equation 2: M_t). The
    output is h + W_r r: with the linear layer of a model after it, every linear function of the
    controller's output h and the reads r.

    Before the first step all weight is on the first slot. That is what makes slots of equal content
    distinguishable: on them content finds nothing, and a head can but move along.

    Args:
        input_dim: size E of an input.
        hidden_dim: size H of the controller and of the output.
        controller: any recurrent cell; `feedforward` remembers nothing itself.
        num_slots: number N of slots of the memory.
        slot_size: size M of a slot.
        num_reads: number R of heads that read.
        num_writes: number W of heads that write.
        similarity: of a key and a slot: cosine in the paper, or dot.
        shift_range: how many slots a head can move either way in a step; 1 in the paper.
        initial_memory: constant (1e-6), random (drawn once, for every sequence the same) or
            learned.

    Raises:
        ValueError: an argument is none of those allowed.
    """

    state_type = NTMState

    def __init__(
        self,
        *,
        input_dim: int,
        hidden_dim: int,
        controller: Callable[..., RecurrentCell],
        num_slots: int,
        slot_size: int,
        num_reads: int,
        num_writes: int,
        similarity: Similarity,
        shift_range: int,
        initial_memory: InitialMemory,
    ) -> None:
        super().__init__()
        sizes = {"num_slots": num_slots, "slot_size": slot_size, "num_reads": num_reads}
        for name, value in {**sizes, "num_writes": num_writes}.items():
            if value < 1:
                raise ValueError(f"{name}={value}: there is at least one")
        if similarity not in get_args(Similarity):
            raise ValueError(f"similarity={similarity!r} is neither 'cosine' nor 'dot'")
        if not 0 <= 2 * shift_range < num_slots:
            raise ValueError(
                f"shift_range={shift_range}: at least 0, and 2 shift_range + 1 at most "
                f"num_slots={num_slots}"
            )
        self.controller = controller(input_dim=input_dim, hidden_dim=hidden_dim)
        self.input_dim, self.hidden_dim = input_dim, hidden_dim
        self.projected_dim = self.controller.projected_dim
        self.num_reads, self.num_writes, self.slot_size = num_reads, num_writes, slot_size
        self.similarity = similarity
        num_heads, num_shifts = num_reads + num_writes, 2 * shift_range + 1
        # The controller's input is [x; r]. Its matrix is kept in two parts, this one for r, so that
        # the part for x leaves the time loop.
        self.from_reads = nn.Linear(num_reads * slot_size, self.projected_dim, bias=False)
        self.parts = [
            num_heads * slot_size,
            num_writes * slot_size,
            num_writes * slot_size,
            num_heads,
            num_heads,
            num_heads,
            num_heads * num_shifts,
        ]  # keys, adds, erases, gates, strengths, gammas, shifts
        self.to_heads = nn.Linear(hidden_dim, sum(self.parts))
        self.read_output = nn.Linear(num_reads * slot_size, hidden_dim, bias=False)
        self._start_memory(initial_memory, num_slots, slot_size)

    def _start_memory(self, kind: InitialMemory, num_slots: int, slot_size: int) -> None:
        if kind not in get_args(InitialMemory):
            raise ValueError(
                f"initial_memory={kind!r} is none of {', '.join(get_args(InitialMemory))}"
            )
        if kind == "constant":
            memory = torch.full((num_slots, slot_size), CONSTANT)  # [N, M]
            self.register_buffer("initial_memory", memory, persistent=False)
            return
        memory = torch.randn(num_slots, slot_size) / slot_size**0.5  # [N, M]
        if kind == "random":
            self.register_buffer("initial_memory", memory)
        else:
            self.initial_memory = nn.Parameter(memory)

    def project(self, inputs: Tensor) -> Tensor:
        """The projection of the controller, [..., E] to [..., P]."""
        return self.controller.project(inputs)  # [..., P]

    def advance(self, projected: Tensor, state: NTMState, mask: Any) -> tuple[Tensor, NTMState]:
        """Output [B, H] and next state from projected inputs [B, P]."""
        seen = torch.addmm(projected, state.reads.flatten(1), self.from_reads.weight.t())  # [B, P]
        hidden, controller = self.controller.step(seen, state.controller, mask)  # [B, H]
        heads = self.instruct(hidden)
        weightings = self.address(heads, state.memory, state.weightings)  # [B, K, N]
        read, write = weightings.split([self.num_reads, self.num_writes], dim=1)  # [B, R or W, N]
        memory = addressing.write(state.memory, write, heads.erases, heads.adds)  # [B, N, M]
        reads = addressing.read(memory, read)  # [B, R, M]
        output = torch.addmm(hidden, reads.flatten(1), self.read_output.weight.t())  # [B, H]
        return output, NTMState(output, controller, memory, reads, weightings, heads.gates)

    def instruct(self, hidden: Tensor) -> Heads:
        """What the controller's output [B, H] tells the heads, each number in its range."""
        heads = [self.num_reads + self.num_writes] * 7
        heads[1] = heads[2] = self.num_writes  # adds and erases
        parts = self.to_heads(hidden).split(self.parts, dim=1)
        keys, adds, erases, gates, strengths, gammas, shifts = (
            part.unflatten(1, (number, -1)) for part, number in zip(parts, heads, strict=True)
        )  # [B, K or W, ...]
        return Heads(
            keys=keys,
            strengths=F.softplus(strengths),
            gates=torch.sigmoid(gates),
            shifts=shifts.softmax(dim=2),
            gammas=1 + F.softplus(gammas),
            erases=torch.sigmoid(erases),
            adds=adds,
        )

    def address(self, heads: Heads, memory: Tensor, previous: Tensor) -> Tensor:
        """Weightings [B, K, N] from memory [B, N, M] and those before; the paper's figure 2."""
        content = addressing.content_weighting(
            heads.keys, heads.strengths, memory, self.similarity
        )  # [B, K, N]
        gated = addressing.interpolate(content, previous, heads.gates)  # [B, K, N]
        shifted = addressing.circular_shift(gated, heads.shifts)  # [B, K, N]
        return addressing.sharpen(shifted, heads.gammas)  # [B, K, N]

    def fused(self, inputs: Tensor, state: NTMState, lengths: Tensor | None = None) -> None:
        """Torch has no kernel for it."""
        return None

    def trace(self, state: NTMState) -> dict[str, Tensor]:
        """Weightings `read_1`, `write_1` and so on, and the gate of each, `gate_read_1`, ...

        A gate of 1 looks by content, one of 0 from where the head was.
        """
        names = [f"read_{n + 1}" for n in range(self.num_reads)]
        names += [f"write_{n + 1}" for n in range(self.num_writes)]
        weightings = dict(zip(names, state.weightings.unbind(dim=1), strict=True))  # each [B, N]
        gates = zip(names, state.gates.unbind(dim=1), strict=True)
        return weightings | {f"gate_{name}": gate for name, gate in gates}  # each [B, 1]

    def start_sizes(self) -> dict[str, int]:
        """Those of the controller."""
        return self.controller.start_sizes()

    def begin(self, values: Mapping[str, Tensor]) -> NTMState:
        """The controller's start, beside a memory of which nothing has been read but its start."""
        controller = self.controller.start(values)
        hidden = controller.hidden  # [B, H]
        memory = self.initial_memory.expand(len(hidden), -1, -1)  # [B, N, M]
        heads = self.num_reads + self.num_writes
        weightings = hidden.new_zeros(len(hidden), heads, memory.shape[1])  # [B, K, N]
        weightings[:, :, 0] = 1
        reads = addressing.read(memory, weightings[:, : self.num_reads])  # [B, R, M]
        return NTMState(
            hidden, controller, memory, reads, weightings, torch.zeros_like(weightings[:, :, :1])
        )

    def restart(self, state: NTMState) -> NTMState:
        """The controller by itself; the memory stays as it was left."""
        return state._replace(controller=self.controller.restart(state.controller))

    def recurrent_mask(self, batch_size: int, dropout: float) -> Any:
        """As the controller."""
        return self.controller.recurrent_mask(batch_size, dropout)
