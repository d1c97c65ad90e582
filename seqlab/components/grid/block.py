"""What a block of a grid computes along its dimensions, forward and backward, without products."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

Connection = Literal["lstm", "identity", "tanh", "relu", "none"]
CONNECTIONS: tuple[Connection, ...] = ("lstm", "identity", "tanh", "relu", "none")


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """How blocks are connected along one dimension of a grid.

    Args:
        connection: `lstm` carries a hidden and a memory vector; `identity`, `tanh` and `relu` are
            the non-LSTM connections h'_k = f(W_k H) of section 3.3, the identity being that of f;
            `none` takes h_k into H and gives nothing out, along a dimension with one position.
        untied: number of positions where each has weights of its own; None where all positions
            share them, and there may be any number of them.
        priority: whether the dimension is computed last, from the new vectors of the dimensions
            that have no priority (section 3.2).

    Raises:
        ValueError: if the connection is unknown, if there is no position, or if a dimension that
            gives nothing out has priority.
    """

    connection: Connection = "lstm"
    untied: int | None = None
    priority: bool = False

    def __post_init__(self) -> None:
        if self.connection not in CONNECTIONS:
            raise ValueError(f"a connection is one of {CONNECTIONS}, not {self.connection!r}")
        if self.untied is not None and self.untied < 1:
            raise ValueError(f"an untied dimension has at least 1 position, not {self.untied}")
        if self.connection == "none" and self.priority:
            raise ValueError("a dimension that gives nothing out has no priority")

    @property
    def gives(self) -> bool:
        """Whether vectors leave a block along it."""
        return self.connection != "none"


class Phase(NamedTuple):
    """Dimensions that a block computes at once, from one H; the LSTMs stand before the others."""

    num_lstm: int
    activations: tuple[Connection, ...]  # of the non-LSTM dimensions
    first: int  # how many dimensions are computed before
    first_memory: int  # how many of them are LSTMs

    @property
    def num_dimensions(self) -> int:
        """LSTMs and others."""
        return self.num_lstm + len(self.activations)

    @property
    def memories(self) -> slice:
        """Where its LSTMs stand among all LSTMs."""
        return slice(self.first_memory, self.first_memory + self.num_lstm)


def phases(dimensions: tuple[Dimension, ...]) -> tuple[tuple[Phase, ...], tuple[int, ...]]:
    """The phases of a block, and its dimensions in the order in which they are computed.

    Those that give nothing out come last.
    """
    found: list[Phase] = []
    order: list[int] = []
    num_lstm = 0
    for priority in (False, True):
        members = [k for k, d in enumerate(dimensions) if d.gives and d.priority == priority]
        lstm = [k for k in members if dimensions[k].connection == "lstm"]
        plain = [k for k in members if dimensions[k].connection != "lstm"]
        if members:
            activations = tuple(dimensions[k].connection for k in plain)
            found.append(Phase(len(lstm), activations, len(order), num_lstm))
        order += lstm + plain
        num_lstm += len(lstm)
    order += [k for k, dimension in enumerate(dimensions) if not dimension.gives]
    return tuple(found), tuple(order)


def tanh_(values: Tensor) -> Tensor:
    """Tanh in place, on a CPU as 2 sigmoid(2 x) - 1: torch's own is many times slower there."""
    if values.is_cuda:
        return values.tanh_()
    return values.mul_(2).sigmoid_().mul_(2).sub_(1)


def lstm_gates(phase: Phase, gates: Tensor, hidden_dim: int) -> Tensor:
    """The part [R, 4, K, H] of gates [R, G] that belongs to the K LSTMs of a phase: u, f, o, c."""
    num_gates = 4 * phase.num_lstm * hidden_dim
    return gates[:, :num_gates].unflatten(1, (4, phase.num_lstm, hidden_dim))


def others(phase: Phase, gates: Tensor, hidden_dim: int) -> Tensor:
    """The part [R, K, H] of gates [R, G] that belongs to the K non-LSTM dimensions of a phase."""
    num_gates = 4 * phase.num_lstm * hidden_dim
    return gates[:, num_gates:].unflatten(1, (len(phase.activations), hidden_dim))


def activate_gates(phase: Phase, gates: Tensor, hidden_dim: int) -> None:
    """Turn W H of the LSTMs, with c doubled, into u, f, o and c, in gates [R, G].

    tanh(x) = 2 sigmoid(2 x) - 1, and the factor within stands in the weights.
    """
    if phase.num_lstm:
        lstms = lstm_gates(phase, gates, hidden_dim).sigmoid_()  # [R, 4, K, H]
        lstms[:, 3].mul_(2).sub_(1)


def activate(
    phase: Phase, gates: Tensor, old_memory: Tensor, new_hidden: Tensor, new_memory: Tensor
) -> None:
    """Write the new vectors of a phase.

    An LSTM computes u, f, o = sigmoid(W H), c = tanh(W H), m' = f * m + u * c and
    h' = tanh(o * m'), which is not the o * tanh(m') of other LSTMs; another dimension h' = f(W H).

    Args:
        phase: what is computed.
        gates: W H, [R, G]: the gates of the LSTMs, c doubled, then the other dimensions. The gates
            are activated in place.
        old_memory: m of all the LSTMs of the block, [R, M, H].
        new_hidden: h' of all its dimensions, [R, N, H].
        new_memory: m' of all its LSTMs, [R, M, H].
    """
    size = new_hidden.shape[2]
    first_other = phase.first + phase.num_lstm
    activate_gates(phase, gates, size)
    if phase.num_lstm:
        u, f, o, c = lstm_gates(phase, gates, size).unbind(1)  # each [R, K, H]
        memory = new_memory[:, phase.memories]  # [R, K, H]
        torch.mul(f, old_memory[:, phase.memories], out=memory).addcmul_(u, c)
        tanh_(torch.mul(o, memory, out=new_hidden[:, phase.first : first_other]))
    if phase.activations:
        values = others(phase, gates, size)  # [R, K, H]
        for k, activation in enumerate(phase.activations):
            hidden = new_hidden[:, first_other + k].copy_(values[:, k])  # [R, H]
            if activation == "tanh":
                tanh_(hidden)
            elif activation == "relu":
                hidden.relu_()


def differentiate(
    phase: Phase,
    gates: Tensor,
    old_memory: Tensor,
    new_hidden: Tensor,
    new_memory: Tensor,
    d_hidden: Tensor,
    d_memory: Tensor,
    d_old_memory: Tensor,
) -> None:
    """Turn activated gates into the gradients of what `activate` was given.

    Args:
        phase: what was computed.
        gates: as `activate` left them, [R, G]; replaced by the gradients of W H.
        old_memory: m, [R, M, H].
        new_hidden: h', [R, N, H].
        new_memory: m', [R, M, H].
        d_hidden: gradients of h', [R, N, H].
        d_memory: gradients of m', [R, M, H]; used up.
        d_old_memory: where the gradients of m are written, [R, M, H].
    """
    size = new_hidden.shape[2]
    first_other = phase.first + phase.num_lstm
    if phase.num_lstm:
        lstms = slice(phase.first, first_other)
        d_gates = lstm_gates(phase, gates, size)  # [R, 4, K, H]
        u, f, o, c = d_gates.unbind(1)  # each [R, K, H]
        d_z = tanh_backward(d_hidden[:, lstms], new_hidden[:, lstms])  # of z = o * m'
        d_m = d_memory[:, phase.memories].addcmul_(d_z, o)  # [R, K, H]
        sigmoid_backward_(d_z.mul_(new_memory[:, phase.memories]), o)
        torch.mul(d_m, f, out=d_old_memory[:, phase.memories])
        sigmoid_backward_(torch.mul(d_m, old_memory[:, phase.memories], out=d_z), f)
        d_c = torch.mul(d_m, u)  # [R, K, H]
        sigmoid_backward_(d_m.mul_(c), u)
        torch.ops.aten.tanh_backward.grad_input(d_c.mul_(0.5), c, grad_input=c)  # of 2 x in tanh(x)
    if phase.activations:
        d_values = others(phase, gates, size)  # [R, K, H]
        for k, activation in enumerate(phase.activations):
            d_value = d_values[:, k].copy_(d_hidden[:, first_other + k])  # [R, H]
            if activation == "tanh":
                hidden = new_hidden[:, first_other + k]  # [R, H]
                torch.ops.aten.tanh_backward.grad_input(d_value, hidden, grad_input=d_value)
            elif activation == "relu":
                d_value.mul_(new_hidden[:, first_other + k] > 0)


def tanh_backward(gradient: Tensor, output: Tensor) -> Tensor:
    """Gradient times (1 - output^2), in one pass."""
    return torch.ops.aten.tanh_backward(gradient, output)


def sigmoid_backward_(gradient: Tensor, output: Tensor) -> Tensor:
    """Gradient times output * (1 - output), in one pass, written over the output."""
    return torch.ops.aten.sigmoid_backward.grad_input(gradient, output, grad_input=output)
