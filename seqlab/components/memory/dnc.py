"""The differentiable neural computer as a recurrent cell."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqlab.components.memory import addressing, allocation, linkage
from seqlab.components.memory.interface import MemoryCell
from seqlab.components.recurrent.interface import RecurrentCell, State
from seqlab.components.tree import map_tensors


class DNCState(NamedTuple):
    """What one step hands to the next."""

    hidden: Tensor  # [B, H], the output
    controller: State
    memory: Tensor  # M, [B, N, W]
    reads: Tensor  # r, [B, R, W]
    read_weightings: Tensor  # w^r, [B, R, N]
    write_weighting: Tensor  # w^w, [B, N]
    usage: Tensor  # u, [B, N]
    precedence: Tensor  # p, [B, N]
    links: Tensor  # L, [B, N, N]
    gates: Tensor  # f, g^a and g^w, [B, R + 2]
    modes: Tensor  # pi, backward, content and forward, [B, R, 3]


class Interface(NamedTuple):
    """The paper's interface vector xi, each part in its range."""

    read_keys: Tensor  # k^r, [B, R, W]
    read_strengths: Tensor  # beta^r, at least 1, [B, R, 1]
    write_key: Tensor  # k^w, [B, 1, W]
    write_strength: Tensor  # beta^w, at least 1, [B, 1, 1]
    erase: Tensor  # e, 0 to 1, [B, 1, W]
    write: Tensor  # v, [B, 1, W]
    free_gates: Tensor  # f, 0 to 1, [B, R, 1]
    allocation_gate: Tensor  # g^a, 0 to 1, [B, 1]
    write_gate: Tensor  # g^w, 0 to 1, [B, 1]
    modes: Tensor  # pi, each row sums to 1, [B, R, 3]
    gates: Tensor  # f, g^a and g^w together, [B, R + 2]


class DNCCell(MemoryCell):
    """Differentiable neural computer; Graves et al. (2016), methods.

    The output is h + W_r r of the controller's output h and the reads r; the paper's W_y is the
    linear layer that a model has after it. The memory and all weightings start at 0.

    No parameter knows how many slots there are, so that a trained network may be given another
    number of them, as in extended data figure 2: the links of few are cheaper to train.

    Args:
        input_dim: size E of an input.
        hidden_dim: size H of the controller and of the output.
        controller: any recurrent cell; `feedforward` remembers nothing itself.
        num_slots: number N of slots of the memory.
        slot_size: size W of a slot.
        num_reads: number R of heads that read.
        training_slots: number of slots while training; None for `num_slots`.
        free_bias: what is added to the biases of the free gates where they start. Training opens
            them while it gains a little by it, and a slot that is freed a little at each step is
            written over in sequences longer than those of training; from about -15 on they stay
            closed.
        clip: bound of the numbers of the controller's output and state and of the cell's output, as
            in the published code, where it is 20; None for none.

    Raises:
        ValueError: a size is below 1, training has more slots than there are, or the bound is not
            above 0.
    """

    state_type = DNCState

    def __init__(
        self,
        *,
        input_dim: int,
        hidden_dim: int,
        controller: Callable[..., RecurrentCell],
        num_slots: int,
        slot_size: int,
        num_reads: int,
        training_slots: int | None,
        free_bias: float,
        clip: float | None,
    ) -> None:
        super().__init__()
        sizes = {"num_slots": num_slots, "slot_size": slot_size, "num_reads": num_reads}
        for name, value in sizes.items():
            if value < 1:
                raise ValueError(f"{name}={value}: there is at least one")
        if training_slots is not None and not 1 <= training_slots <= num_slots:
            raise ValueError(
                f"training_slots={training_slots}: from 1 to num_slots={num_slots}, or null for all"
            )
        if clip is not None and clip <= 0:
            raise ValueError(f"clip={clip}: a bound above 0, or null for none")
        self.controller = controller(input_dim=input_dim, hidden_dim=hidden_dim)
        self.input_dim, self.hidden_dim = input_dim, hidden_dim
        self.projected_dim = self.controller.projected_dim
        self.num_slots, self.slot_size, self.num_reads = num_slots, slot_size, num_reads
        self.training_slots = num_slots if training_slots is None else training_slots
        self.clip = clip
        # The controller's input is [x; r]. Its matrix is kept in two parts, this one for r, so that
        # the part for x leaves the time loop.
        self.from_reads = nn.Linear(num_reads * slot_size, self.projected_dim, bias=False)
        self.parts = [
            num_reads * slot_size,
            slot_size,
            slot_size,
            slot_size + num_reads + 2,
            num_reads + 1,
            3 * num_reads,
        ]  # read keys; write key; write vector; erase vector and gates; strengths; read modes
        self.to_interface = nn.Linear(hidden_dim, sum(self.parts))
        with torch.no_grad():
            free_gates = sum(self.parts[:3]) + slot_size  # where they begin, after the erase vector
            self.to_interface.bias[free_gates : free_gates + num_reads] += free_bias
        self.register_buffer("off_diagonal", linkage.off_diagonal(num_slots), persistent=False)
        self.read_output = nn.Linear(num_reads * slot_size, hidden_dim, bias=False)

    def project(self, inputs: Tensor) -> Tensor:
        """The projection of the controller, [..., E] to [..., P]."""
        return self.controller.project(inputs)  # [..., P]

    def advance(self, projected: Tensor, state: DNCState, mask: Any) -> tuple[Tensor, DNCState]:
        """Output [B, H] and next state from projected inputs [B, P]."""
        seen = torch.addmm(projected, state.reads.flatten(1), self.from_reads.weight.t())  # [B, P]
        hidden, controller = self.controller.step(seen, state.controller, mask)  # [B, H]
        hidden, controller = map_tensors(self.bound, (hidden, controller))
        xi = self.interface(hidden)

        retained = allocation.retention(xi.free_gates, state.read_weightings)  # [B, N]
        usage = allocation.next_usage(state.usage, state.write_weighting, retained)  # [B, N]
        write = self.write_weighting(xi, state.memory, usage)  # [B, N]
        memory = addressing.write(state.memory, write.unsqueeze(1), xi.erase, xi.write)  # [B, N, W]

        slots = write.shape[1]
        mask = self.off_diagonal[:slots, :slots]  # [N, N]
        links = linkage.next_links(state.links, write, state.precedence, mask)  # [B, N, N]
        precedence = linkage.next_precedence(state.precedence, write)  # [B, N]
        read = self.read_weightings(xi, memory, links, state.read_weightings)  # [B, R, N]
        reads = addressing.read(memory, read)  # [B, R, W]
        output = torch.addmm(hidden, reads.flatten(1), self.read_output.weight.t())  # [B, H]
        output = self.bound(output)
        return output, DNCState(
            output,
            controller,
            memory,
            reads,
            read,
            write,
            usage,
            precedence,
            links,
            xi.gates,
            xi.modes,
        )

    def bound(self, values: Tensor) -> Tensor:
        """Values no larger than the bound."""
        return values if self.clip is None else values.clamp(-self.clip, self.clip)

    def interface(self, hidden: Tensor) -> Interface:
        """The interface vector of a controller's output [B, H]."""
        size, reads = self.slot_size, self.num_reads
        read_keys, write_key, write, sigmoids, strengths, modes = self.to_interface(hidden).split(
            self.parts, dim=1
        )
        erase, gates = torch.sigmoid(sigmoids).split([size, reads + 2], dim=1)
        strengths = 1 + F.softplus(strengths).unsqueeze(2)  # [B, R + 1, 1]
        return Interface(
            read_keys=read_keys.unflatten(1, (reads, size)),
            read_strengths=strengths[:, :reads],
            write_key=write_key.unsqueeze(1),
            write_strength=strengths[:, reads:],
            erase=erase.unsqueeze(1),
            write=write.unsqueeze(1),
            free_gates=gates[:, :reads].unsqueeze(2),
            allocation_gate=gates[:, reads : reads + 1],
            write_gate=gates[:, reads + 1 :],
            modes=modes.unflatten(1, (reads, 3)).softmax(dim=2),
            gates=gates,
        )

    def write_weighting(self, xi: Interface, memory: Tensor, usage: Tensor) -> Tensor:
        """g^w [g^a a + (1 - g^a) c] of memory [B, N, W] and usage [B, N]: [B, N]."""
        content = addressing.content_weighting(
            xi.write_key, xi.write_strength, memory, "cosine"
        ).squeeze(1)  # [B, N]
        free = allocation.allocation_weighting(usage)  # [B, N]
        return xi.write_gate * torch.lerp(content, free, xi.allocation_gate)  # [B, N]

    def read_weightings(
        self, xi: Interface, memory: Tensor, links: Tensor, previous: Tensor
    ) -> Tensor:
        """pi_1 b + pi_2 c + pi_3 f of memory [B, N, W], links and weightings before: [B, R, N]."""
        content = addressing.content_weighting(
            xi.read_keys, xi.read_strengths, memory, "cosine"
        )  # [B, R, N]
        return linkage.follow(links, previous, content, xi.modes)  # [B, R, N]

    def fused(self, inputs: Tensor, state: DNCState, lengths: Tensor | None = None) -> None:
        """Torch has no kernel for it."""
        return None

    def trace(self, state: DNCState) -> dict[str, Tensor]:
        """Weightings, usage and gates of the last step, those of read heads with their number.

        `read_1`, ... `write`, `usage`; `free_1`, ... `allocation_gate`, `write_gate`; and the read
        modes `backward_1`, `content_1`, `forward_1`, ...
        """
        numbers = range(self.num_reads)
        free, allocate, write = state.gates.split([self.num_reads, 1, 1], dim=1)
        found = {f"read_{n + 1}": state.read_weightings[:, n] for n in numbers}  # [B, N]
        found |= {"write_1": state.write_weighting, "usage": state.usage}  # [B, N]
        found |= {f"free_{n + 1}": free[:, n : n + 1] for n in numbers}  # [B, 1]
        found |= {"allocation_gate": allocate, "write_gate": write}  # [B, 1]
        for at, mode in enumerate(("backward", "content", "forward")):
            found |= {f"{mode}_{n + 1}": state.modes[:, n, at : at + 1] for n in numbers}  # [B, 1]
        return found

    def start_sizes(self) -> dict[str, int]:
        """Those of the controller."""
        return self.controller.start_sizes()

    def begin(self, values: Mapping[str, Tensor]) -> DNCState:
        """The controller's start, beside an empty memory."""
        controller = self.controller.start(values)
        hidden = controller.hidden  # [B, H]
        slots = self.training_slots if self.training else self.num_slots
        size, reads = self.slot_size, self.num_reads
        shapes = {
            "memory": (slots, size),
            "reads": (reads, size),
            "read_weightings": (reads, slots),
            "write_weighting": (slots,),
            "usage": (slots,),
            "precedence": (slots,),
            "links": (slots, slots),
            "gates": (reads + 2,),
            "modes": (reads, 3),
        }
        zeros = {name: hidden.new_zeros(len(hidden), *shape) for name, shape in shapes.items()}
        return DNCState(hidden=hidden, controller=controller, **zeros)

    def restart(self, state: DNCState) -> DNCState:
        """The controller by itself; the memory stays as it was left."""
        return state._replace(controller=self.controller.restart(state.controller))

    def recurrent_mask(self, batch_size: int, dropout: float) -> Any:
        """As the controller."""
        return self.controller.recurrent_mask(batch_size, dropout)
