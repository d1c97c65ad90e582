"""A 3-LSTM's forward and backward pass along wavefronts, beside loops over its blocks.

All compute the same equations with the same weights on the same vectors, and what leaves the grid
and the gradients are checked to be equal. Two loops stand for the obvious way: one with a product
for each gate, as the paper writes it, and one with a product for the four gates of a dimension.
`products` are the bare matrix products of the wavefronts, forward and backward, each in the shape
in which the part runs it; the share is theirs of the part's time. `square` is the rate of a large
square product. Runs alternate, so that what else the machine does falls on all; medians are shown.

    python -m benchmarks.grid_lstm
    python -m benchmarks.grid_lstm --memory --extent 50    # the peak of one step, loops left out
"""

import argparse
import itertools
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from seqlab.components.grid import wavefront
from seqlab.components.grid.block import Dimension
from seqlab.components.grid.grid import GridLSTM
from seqlab.components.grid.layout import Wave, lay_out
from seqlab.components.grid.products import Products as SetProducts

HIDDEN, DEPTH = 256, 2
MATRIX = 2048  # side of the square product

Inputs = tuple[tuple[int, int, int], list[Tensor], list[Tensor]]


def build(device: str) -> GridLSTM:
    """Two tied dimensions and an untied depth, LSTMs in all."""
    torch.manual_seed(0)
    dimensions = (Dimension(), Dimension(), Dimension(untied=DEPTH))
    return GridLSTM(hidden_dim=HIDDEN, dimensions=dimensions, forget_bias=1.0).to(device)


def vectors(extent: int, batch_size: int, device: str) -> Inputs:
    """Extents, and hidden and memory vectors for every side."""
    extents = (extent, extent, DEPTH)
    generator = torch.Generator().manual_seed(1)
    shapes = [(batch_size, *extents[:k], *extents[k + 1 :], HIDDEN) for k in range(3)]
    hidden, memory = (
        [torch.randn(shape, generator=generator).to(device).requires_grad_() for shape in shapes]
        for _ in range(2)
    )
    return extents, hidden, memory


def loop(grid: GridLSTM, inputs: Inputs, products_per_dimension: int) -> Tensor:
    """The loss of a batch, block by block."""
    extents, hidden, memory = inputs
    weights = [
        [list(zip(w[u].chunk(p), b[u].chunk(p), strict=True)) for u in range(DEPTH)]
        for p in (products_per_dimension,)
        for w, b in zip(grid.weights, grid.biases, strict=True)
    ]
    found: dict[tuple[tuple[int, ...], int], tuple[Tensor, Tensor]] = {}
    leaving = []
    for place in itertools.product(*map(range, extents)):
        entering = []
        for k in range(3):
            side = (*place[:k], *place[k + 1 :])
            before = (*place[:k], place[k] - 1, *place[k + 1 :])
            edge = (slice(None), *side)
            entering.append(found[before, k] if place[k] else (hidden[k][edge], memory[k][edge]))
        together = torch.cat([h for h, _ in entering], dim=1)  # [B, 3 H]
        for k in range(3):
            gates = [F.linear(together, w, b) for w, b in weights[k][place[2]]]
            u, f, o, c = gates if len(gates) == 4 else gates[0].chunk(4, dim=1)  # each [B, H]
            m = torch.sigmoid(f) * entering[k][1] + torch.sigmoid(u) * torch.tanh(c)  # [B, H]
            found[place, k] = torch.tanh(torch.sigmoid(o) * m), m
            if place[k] == extents[k] - 1:
                leaving += [found[place, k][0].sum(), found[place, k][1].sum()]
    return torch.stack(leaving).sum()


def along_wavefronts(grid: GridLSTM, inputs: Inputs) -> Tensor:
    """The loss of a batch, as the part is used."""
    leaving = grid(*inputs)
    return torch.stack([v.sum() for v in (*leaving.hidden, *leaving.memory)]).sum()


def train_step(
    loss: Callable[[GridLSTM, Inputs], Tensor], grid: GridLSTM, inputs: Inputs
) -> Tensor:
    """A loss and its gradients."""
    for leaf in (*grid.parameters(), *inputs[1], *inputs[2]):
        leaf.grad = None
    value = loss(grid, inputs)
    value.backward()
    return value.detach()


class Products:
    """The matrix products of a step, and nothing else."""

    def __init__(self, grid: GridLSTM, inputs: Inputs) -> None:
        extents, hidden, _ = inputs
        self.batch_size, layout = len(hidden[0]), lay_out(extents, grid.untied)
        self.waves: tuple[Wave, ...] = layout.waves
        self.weight, self.bias = (
            part.detach() for part in grid.packed(grid.phases[0])
        )  # [U, G, K]
        rows = layout.largest_wave * self.batch_size
        self.inputs = torch.randn(rows, self.weight.shape[2], device=self.weight.device)
        self.outputs = torch.randn(rows, self.weight.shape[1], device=self.weight.device)

    def __call__(self) -> None:
        gradient = torch.zeros_like(self.weight)
        forward, backward = SetProducts(self.weight, self.bias), SetProducts(self.weight.mT)
        waiting = 0
        for wave in self.waves:
            rows = wave.num_slots * self.batch_size
            inputs = self.inputs[:rows].view(wave.num_sets, -1, self.inputs.shape[1])
            outputs = self.outputs[:rows].view(wave.num_sets, -1, self.outputs.shape[1])
            forward(inputs, wave.first_set)
            backward(outputs, wave.first_set)
            waiting += rows // wave.num_sets
            if waiting >= wavefront.ROWS_AT_ONCE or wave is self.waves[-1]:
                at_once = [
                    torch.empty(waiting, part.shape[1], device=part.device).copy_(part[:1])
                    for part in (self.inputs, self.outputs)
                ]
                for own in gradient:
                    own.addmm_(at_once[1].t(), at_once[0])
                waiting = 0


def seconds(function: Callable[[], object], device: str) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    function()
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def check_equal(grid: GridLSTM, inputs: Inputs) -> None:
    """Raises AssertionError where loops and wavefronts differ."""
    leaves = (*grid.parameters(), *inputs[1], *inputs[2])
    train_step(along_wavefronts, grid, inputs)
    mine = [leaf.grad.clone() for leaf in leaves]
    for number in (1, 4):
        train_step(partial(loop, products_per_dimension=number), grid, inputs)
        for leaf, gradient in zip(leaves, mine, strict=True):
            error = (leaf.grad - gradient).norm() / gradient.norm()
            assert error < 1e-4, f"a gradient differs by {error:.1e} of its norm"
    print("equal: gradients of all weights and of all that enters")


def measure(extent: int, batch_size: int, repeats: int, loop_repeats: int, device: str) -> None:
    """Print the table of one batch size."""
    grid, inputs = build(device), vectors(extent, batch_size, device)
    square = torch.randn(MATRIX, MATRIX, device=device)
    products = Products(grid, inputs)
    work: dict[str, Callable[[], object]] = {
        "loop, 4 products": partial(
            train_step, partial(loop, products_per_dimension=4), grid, inputs
        ),
        "loop, 1 product": partial(
            train_step, partial(loop, products_per_dimension=1), grid, inputs
        ),
        "wavefronts": partial(train_step, along_wavefronts, grid, inputs),
        "products": products,
        "square": lambda: square @ square,
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for repeat in range(repeats + 1):
        for name, function in work.items():
            if name.startswith("loop") and repeat > loop_repeats:
                continue
            if not (name.startswith("loop") and repeat == 0):  # the first of the others warms up
                spent = seconds(function, device)
                if repeat > 0:
                    times[name].append(spent)
    medians = {name: statistics.median(values) for name, values in times.items()}
    num_blocks = extent * extent * DEPTH
    gflop = 3 * 2 * num_blocks * batch_size * (3 * HIDDEN) * (12 * HIDDEN) / 1e9
    rate = 2 * MATRIX**3 / medians.pop("square") / 1e9
    ours = medians["wavefronts"]
    print(f"\nbatch {batch_size}: {num_blocks} blocks, {gflop:.0f} GFLOP in products")
    print(
        f"{'':18}{'s':>9}{'times as long':>15}{'GFLOP/s':>10}{'of products':>13}{'of square':>11}"
    )
    for name, median in medians.items():
        reached = gflop / median
        print(
            f"{name:18}{median:9.3f}{median / ours:15.1f}{reached:10.1f}"
            f"{medians['products'] / median:13.0%}{reached / rate:11.0%}"
        )
    print(f"{'square':18}{'':9}{'':15}{rate:10.1f}")


def print_peak(extent: int, batch_size: int, num_threads: int) -> None:
    """Print by how much a step raises this process's memory."""
    torch.set_num_threads(num_threads)
    grid, inputs = build("cpu"), vectors(extent, batch_size, "cpu")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    spent = seconds(partial(train_step, along_wavefronts, grid, inputs), "cpu")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    states = 4 * extent * extent * DEPTH * batch_size * 6 * HIDDEN
    print(
        f"batch {batch_size}: {peak / 2**20:.2f} GiB beyond weights and inputs in {spent:.0f} s; "
        f"the vectors between blocks are {states / 2**30:.2f} GiB, "
        f"kept gates at most {wavefront.KEPT_BYTES / 2**30:.2f} GiB"
    )


def main() -> None:
    """Check that all compute the same, measure them, and print a table for each batch size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--extent", type=int, default=30, help="blocks along each tied dimension")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--repeats", type=int, default=3, help="timed steps of the wavefronts")
    parser.add_argument("--loop-repeats", type=int, default=1, help="timed steps of the loops")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--memory", action="store_true", help="measure the peak memory instead")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(
        f"3-LSTM on a grid of {args.extent} x {args.extent} x {DEPTH}, untied in depth, hidden "
        f"{HIDDEN}, forward and backward; {args.device}, {args.threads} thread(s), "
        f"torch {torch.__version__}"
    )
    if args.memory:
        for batch_size in args.batches:  # a peak is that of a whole process
            process = multiprocessing.get_context("spawn").Process(
                target=print_peak, args=(args.extent, batch_size, args.threads)
            )
            process.start()
            process.join()
        return
    check_equal(build(args.device), vectors(4, 2, args.device))
    for batch_size in args.batches:
        measure(args.extent, batch_size, args.repeats, args.loop_repeats, args.device)


if __name__ == "__main__":
    main()
