"""Training steps on a GPU whose kernels are started one by one, and replayed as CUDA graphs.

Each is a whole step of a model of task=algorithmic: forward, backward and the optimizer, on a batch
that lies on the GPU. Steps of both alternate in one process, and medians are printed. Products are
computed in 32 bits, and in the TF32 of newer GPUs too where that is asked for.

    python -m benchmarks.replay
    python -m benchmarks.replay --tf32
    python -m benchmarks.replay --device cpu    # does it run? nothing is replayed there
"""

import argparse
import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.measuring import Table, take_turns
from seqlab.components.losses import output_nll
from seqlab.components.replay import Replayed
from seqlab.config.compose import compose
from seqlab.run.assemble import assemble

COPY = ("data.difficulties=[20,20]", "data.batch_size=16")
ADDITION = ("data=addition", "data.batch_size=32")
CASES: dict[str, tuple[str, ...]] = {
    "ntm, copy of 20": ("experiment=ntm_copy", *COPY),
    "dnc, copy of 20": ("experiment=dnc_copy", *COPY),
    "lstm, copy of 20": ("experiment=lstm_copy", *COPY),
    "grid_lstm, 18 tied layers of 400, 15 digits": (
        "model=grid_lstm",
        "model.num_layers=18",
        "model.hidden_dim=400",
        *ADDITION,
    ),
    "grid_lstm, 20 tied layers of 100, 100 bits": (
        "model=grid_lstm",
        "model.num_layers=20",
        "data=parity",
        "data.algorithm.num_bits=100",
        "data.batch_size=50",
    ),
}


def step(model: nn.Module, called: Callable[..., Tensor], batch: Any) -> Callable[[], None]:
    """A training step of a model on a batch."""
    optimizer = torch.optim.Adam(model.parameters())

    def train() -> None:
        logits = called(batch.inputs, batch.lengths)
        nll, count = output_nll(logits, batch.targets, batch.scored)
        optimizer.zero_grad()
        (nll / count).mean().backward()
        optimizer.step()

    return train


def measure(words: tuple[str, ...], device: str, repeats: int) -> dict[str, float]:
    """Median seconds of a step, by how its kernels are started."""
    parts = assemble(compose("train", ["task=algorithmic", *words]))
    batch = next(iter(parts.datamodule.train_dataloader()))
    tensors = {
        name: part.to(device) for name, part in batch._asdict().items() if torch.is_tensor(part)
    }
    batch = batch._replace(**tensors)
    plain = parts.task.model.to(device).train()
    other = copy.deepcopy(plain)
    return take_turns(
        {
            "one by one": step(plain, plain, batch),
            "replayed": step(other, Replayed(other), batch),
        },
        repeats,
    )


def main() -> None:
    """Print steps per second."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--tf32", action="store_true")
    given = parser.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        print("there is no GPU, so nothing is measured; --device cpu tries it")
        return
    torch.set_float32_matmul_precision("high" if given.tf32 else "highest")
    name = torch.cuda.get_device_name() if given.device == "cuda" else given.device
    print(f"training steps per second on {name}, products in {'TF32' if given.tf32 else '32 bits'}")
    table = Table(
        {"": (-46, ""), "one by one": (12, ".1f"), "replayed": (11, ".1f"), "times": (8, ".1f")}
    )
    for what, words in CASES.items():
        found = measure(words, given.device, given.repeats)
        one, replayed = found["one by one"], found["replayed"]
        table.row(what, 1 / one, 1 / replayed, one / replayed)


if __name__ == "__main__":
    main()
