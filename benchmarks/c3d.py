"""C3D beside torchvision's r3d_18 at equal input: a training step, and clips a second of the model.

Networks at random weights, of which no time depends:

- torchvision: a residual network of 18 layers with 3 x 3 x 3 kernels (Tran et al., 2018);
- seqlab: C3D as in the paper, without batch normalisation (`model=c3d`, its widths and fc_size);
- seqlab checkpointing: C3D that keeps only what each stage reads.

Both compute about as much, C3D in fewer and wider layers. Runs take turns in one process, so that
what else the machine does falls on all; medians are printed. Peak memory is that of a fresh process
beyond weights and clips.

    python -m benchmarks.c3d
    python -m benchmarks.c3d --side 64 --batch 4
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.measuring import Table, Work, count_gflop, peak_memory, take_turns
from seqlab.models.video.c3d import C3D

NUM_CLASSES, NUM_FRAMES = 101, 16
WIDTHS = (64, 128, 256, 512, 512)


def c3d(*, side: int, widths: Sequence[int], fc_size: int, checkpointing: bool) -> nn.Module:
    """C3D on clips of a side in pixels."""
    torch.manual_seed(0)
    return C3D(
        num_classes=NUM_CLASSES,
        num_frames=NUM_FRAMES,
        height=side,
        width=side,
        widths=widths,
        depths=(1, 1, 2, 2, 2),
        temporal_depth=3,
        fc_size=fc_size,
        dropout=0.5,
        batch_norm=False,
        checkpointing=checkpointing,
    )


def r3d_18() -> nn.Module:
    """What stands in torchvision under that name."""
    from torchvision.models.video import r3d_18

    torch.manual_seed(0)
    return r3d_18(weights=None, num_classes=NUM_CLASSES)


def networks(side: int) -> dict[str, Callable[[], nn.Module]]:
    """What makes each of the networks."""
    make = partial(c3d, side=side, widths=WIDTHS, fc_size=4096)
    return {
        "torchvision r3d_18": r3d_18,
        "seqlab c3d": partial(make, checkpointing=False),
        "seqlab checkpointing": partial(make, checkpointing=True),
    }


def train_step(make: Callable[[], nn.Module], clips: Tensor) -> Work:
    """A function that computes a loss and all its gradients."""
    network = make().train()
    labels = torch.arange(len(clips)) % NUM_CLASSES  # [B]

    def step() -> None:
        network.zero_grad(set_to_none=True)
        F.cross_entropy(network(clips), labels).backward()

    return step


def answer(make: Callable[[], nn.Module], clips: Tensor) -> Work:
    """A function that scores clips."""
    network = make().eval()

    @torch.inference_mode()
    def run() -> None:
        network(clips)

    return run


def peak_of_step(side: int, batch: int, name: str) -> Work:
    """A training step in a process of its own."""
    return train_step(networks(side)[name], torch.rand(batch, 3, NUM_FRAMES, side, side))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--side", type=int, default=112, help="height and width of a clip")
    parser.add_argument("--batch", type=int, default=2, help="clips of a step")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    clips = torch.rand(given.batch, 3, NUM_FRAMES, given.side, given.side)
    made = networks(given.side)
    print(
        f"{given.batch} clips of {NUM_FRAMES} frames of {given.side} x {given.side} pixels, "
        f"{given.threads} threads"
    )
    columns = {
        "network": (-24, ""),
        "GFLOP": (8, ".0f"),
        "step s": (9, ".2f"),
        "GFLOP/s": (9, ".0f"),
        "trained/s": (11, ".2f"),
        "scored/s": (10, ".2f"),
        "peak MB": (9, ".0f"),
    }
    steps = {name: train_step(make, clips) for name, make in made.items()}
    arithmetic = {name: count_gflop(step) for name, step in steps.items()}
    times = take_turns(steps, given.repeats)
    answers = take_turns({n: answer(make, clips) for n, make in made.items()}, given.repeats)
    table = Table(columns)
    for name in made:
        peak = peak_memory(partial(peak_of_step, given.side, given.batch, name))
        rate = given.batch / times[name], given.batch / answers[name]
        gflop = arithmetic[name]
        table.row(name, gflop, times[name], gflop / times[name], *rate, peak)


if __name__ == "__main__":
    main()
