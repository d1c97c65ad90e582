"""NTM and DNC as they are usually written, to measure ours beside them.

The controller is torch's LSTMCell on [x; r]. Each head has a linear layer for each of its
parameters and finds its place by itself; the shift concatenates the ends of a weighting. They start
with the weights of ours.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.components.memory.dnc import DNCCell
from seqlab.components.memory.ntm import NTMCell

EPSILON = 1e-6  # of a squared norm, and of a usage


class Linears(nn.Module):
    """A linear layer for each part of one that is together in ours, each giving [B, size]."""

    def __init__(self, together: nn.Linear, sizes: list[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(together.in_features, size) for size in sizes)
        parts = zip(together.weight.split(sizes), together.bias.split(sizes), strict=True)
        with torch.no_grad():
            for layer, (weight, bias) in zip(self.layers, parts, strict=True):
                layer.weight.copy_(weight)
                layer.bias.copy_(bias)

    def gradient(self) -> Tensor:
        """Of the weight that is together in ours."""
        return torch.cat([layer.weight.grad for layer in self.layers])


class Controller(nn.Module):
    """An LSTM on the input and the last reads, and the output of both together."""

    def __init__(self, ours: NTMCell | DNCCell) -> None:
        super().__init__()
        kernel, reads = ours.controller.kernel, ours.from_reads.in_features
        self.cell = nn.LSTMCell(ours.input_dim + reads, ours.hidden_dim)
        self.read_output = nn.Linear(reads, ours.hidden_dim, bias=False)
        self.read_output.load_state_dict(ours.read_output.state_dict())
        with torch.no_grad():
            self.cell.weight_ih.copy_(torch.cat([kernel.weight_ih_l0, ours.from_reads.weight], 1))
            self.cell.weight_hh.copy_(kernel.weight_hh_l0)
            self.cell.bias_ih.copy_(kernel.bias_ih_l0)
            self.cell.bias_hh.copy_(kernel.bias_hh_l0)


def content(key: Tensor, strength: Tensor, memory: Tensor) -> Tensor:
    """Weighting [B, N] of a key [B, M] with strength [B, 1]."""
    dot = (memory * key.unsqueeze(1)).sum(dim=2)  # [B, N]
    norms = torch.sqrt(memory.pow(2).sum(dim=2) + EPSILON)  # [B, N]
    norms = norms * torch.sqrt(key.pow(2).sum(dim=1, keepdim=True) + EPSILON)  # [B, N]
    return torch.softmax(strength * dot / norms, dim=1)  # [B, N]


def erase_and_add(memory: Tensor, weighting: Tensor, erase: Tensor, add: Tensor) -> Tensor:
    """Memory [B, N, M] after a write."""
    weighting = weighting.unsqueeze(2)  # [B, N, 1]
    return memory * (1 - weighting * erase.unsqueeze(1)) + weighting * add.unsqueeze(1)


def read(memory: Tensor, weighting: Tensor) -> Tensor:
    """Vector [B, M] read with a weighting [B, N]."""
    return (weighting.unsqueeze(2) * memory).sum(dim=1)  # [B, M]


class UsualNTM(nn.Module):
    """Neural Turing machine with one head that writes, and a shift of at most one slot."""

    def __init__(self, ours: NTMCell) -> None:
        super().__init__()
        size, heads = ours.slot_size, ours.num_reads + 1
        self.num_heads, self.num_slots, self.size = heads, len(ours.initial_memory), size
        self.controller = Controller(ours)
        sizes = [*[size] * heads, size, size, *[1] * heads, *[1] * heads, *[1] * heads]
        self.parameters_of = Linears(ours.to_heads, [*sizes, *[3] * heads])

    def address(self, told: list[Tensor], memory: Tensor, previous: Tensor) -> Tensor:
        """A head's weighting [B, N] from its key, gate, strength, exponent and shift."""
        key, gate, strength, gamma, shift = told
        found = content(key, F.softplus(strength), memory)  # [B, N]
        gate = torch.sigmoid(gate)  # [B, 1]
        gated = gate * found + (1 - gate) * previous  # [B, N]
        padded = torch.cat([gated[:, -1:], gated, gated[:, :1]], dim=1)  # [B, N + 2]
        share = torch.softmax(shift, dim=1)  # [B, 3]
        shifted = sum(
            share[:, 2 - n : 3 - n] * padded[:, n : n + self.num_slots] for n in range(3)
        )  # [B, N]
        powers = (shifted + 1e-16) ** (1 + F.softplus(gamma))  # [B, N]
        return powers / powers.sum(dim=1, keepdim=True)  # [B, N]

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs [B, T, H] of inputs [B, T, E]."""
        batch, heads = len(inputs), self.num_heads
        memory = inputs.new_full((batch, self.num_slots, self.size), 1e-6)  # [B, N, M]
        first = F.one_hot(torch.zeros(batch, dtype=torch.long), self.num_slots).float()  # [B, N]
        weightings = [first] * heads
        reads = [read(memory, first) for _ in range(heads - 1)]  # [B, M] each
        state = (inputs.new_zeros(batch, self.controller.cell.hidden_size),) * 2  # [B, H] each
        outputs = []
        for x in inputs.unbind(dim=1):
            state = self.controller.cell(torch.cat([x, *reads], dim=1), state)
            told = [layer(state[0]) for layer in self.parameters_of.layers]
            keys, (add, erase), rest = told[:heads], told[heads : heads + 2], told[heads + 2 :]
            weightings = [
                self.address([keys[k], *rest[k::heads]], memory, weightings[k])
                for k in range(heads)
            ]
            memory = erase_and_add(memory, weightings[-1], torch.sigmoid(erase), add)
            reads = [read(memory, weighting) for weighting in weightings[:-1]]
            outputs.append(state[0] + self.controller.read_output(torch.cat(reads, dim=1)))
        return torch.stack(outputs, dim=1)  # [B, T, H]


class UsualDNC(nn.Module):
    """Differentiable neural computer."""

    def __init__(self, ours: DNCCell) -> None:
        super().__init__()
        size, heads = ours.slot_size, ours.num_reads
        self.num_heads, self.num_slots, self.size = heads, ours.num_slots, size
        self.clip = ours.clip
        self.controller = Controller(ours)
        sizes = [*[size] * heads, size, size, size, *[1] * (heads + 2), *[1] * (heads + 1)]
        self.parameters_of = Linears(ours.to_interface, [*sizes, *[3] * heads])

    def allocate(self, usage: Tensor) -> Tensor:
        """Allocation weighting [B, N] of usage [B, N]."""
        usage = EPSILON + (1 - EPSILON) * usage  # [B, N]
        ascending, order = torch.sort(usage, dim=1, stable=True)  # [B, N]
        ones = torch.ones_like(usage[:, :1])  # [B, 1]
        product = torch.cumprod(torch.cat([ones, ascending[:, :-1]], dim=1), dim=1)  # [B, N]
        return ((1 - ascending) * product).gather(1, order.argsort(dim=1))  # [B, N]

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs [B, T, H] of inputs [B, T, E]."""
        batch, slots, heads = len(inputs), self.num_slots, self.num_heads
        memory = inputs.new_zeros(batch, slots, self.size)  # [B, N, W]
        links = inputs.new_zeros(batch, slots, slots)  # [B, N, N]
        usage = precedence = written = inputs.new_zeros(batch, slots)  # [B, N]
        weightings = [inputs.new_zeros(batch, slots)] * heads
        reads = [inputs.new_zeros(batch, self.size)] * heads
        state = (inputs.new_zeros(batch, self.controller.cell.hidden_size),) * 2  # [B, H] each
        outputs = []
        for x in inputs.unbind(dim=1):
            state = self.controller.cell(torch.cat([x, *reads], dim=1), state)
            state = tuple(each.clamp(-self.clip, self.clip) for each in state)
            told = [layer(state[0]) for layer in self.parameters_of.layers]
            keys, (write_key, write, erase), rest = (
                told[:heads],
                told[heads : heads + 3],
                told[heads + 3 :],
            )
            free = [torch.sigmoid(each) for each in rest[:heads]]  # [B, 1] each
            allocation_gate, write_gate = (torch.sigmoid(each) for each in rest[heads : heads + 2])
            strengths = [1 + F.softplus(each) for each in rest[heads + 2 : 2 * heads + 3]]
            modes = [torch.softmax(each, dim=1) for each in rest[2 * heads + 3 :]]  # [B, 3] each

            kept = torch.ones_like(usage)  # [B, N]
            for gate, weighting in zip(free, weightings, strict=True):
                kept = kept * (1 - gate * weighting)
            usage = (usage + written - usage * written) * kept  # [B, N]
            found = content(write_key, strengths[-1], memory)  # [B, N]
            chosen = allocation_gate * self.allocate(usage) + (1 - allocation_gate) * found
            written = write_gate * chosen  # [B, N]
            memory = erase_and_add(memory, written, torch.sigmoid(erase), write)  # [B, N, W]

            to, of = written.unsqueeze(2), written.unsqueeze(1)  # [B, N, 1], [B, 1, N]
            links = (1 - to - of) * links + to * precedence.unsqueeze(1)  # [B, N, N]
            links = links * (1 - torch.eye(slots))
            precedence = (1 - written.sum(dim=1, keepdim=True)) * precedence + written  # [B, N]
            new = []
            for key, strength, mode, last in zip(keys, strengths, modes, weightings, strict=False):
                ahead = torch.matmul(links, last.unsqueeze(2)).squeeze(2)  # [B, N]
                back = torch.matmul(links.transpose(1, 2), last.unsqueeze(2)).squeeze(2)  # [B, N]
                found = content(key, strength, memory)  # [B, N]
                new.append(mode[:, :1] * back + mode[:, 1:2] * found + mode[:, 2:] * ahead)
            weightings = new
            reads = [read(memory, weighting) for weighting in weightings]
            output = state[0] + self.controller.read_output(torch.cat(reads, dim=1))  # [B, H]
            outputs.append(output.clamp(-self.clip, self.clip))
        return torch.stack(outputs, dim=1)  # [B, T, H]
