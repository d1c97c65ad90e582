"""The processes of a run that uses several devices."""

import os

import torch
from torch import Tensor, distributed

RUN_DIR = "SEQLAB_RUN_DIR"
"""By this variable the first process tells those it starts where the run is kept."""


def rank() -> int:
    """Which of the run's processes this is, also before they have found each other."""
    names = ("RANK", "LOCAL_RANK", "SLURM_PROCID")
    return next((int(os.environ[name]) for name in names if name in os.environ), 0)


def is_rank_zero() -> bool:
    """Whether this process is the one that speaks and writes."""
    return rank() == 0


def gather_bytes(own: bytes, device: torch.device) -> list[bytes]:
    """What each process gives, in the order of their ranks; all of them must call this.

    Args:
        own: what this process gives.
        device: on which the processes talk.
    """
    if not distributed.is_available() or not distributed.is_initialized():
        return [own]
    given = torch.frombuffer(bytearray(own), dtype=torch.uint8).to(device)
    world_size = distributed.get_world_size()
    sizes = [torch.zeros(1, dtype=torch.int64, device=device) for _ in range(world_size)]
    distributed.all_gather(sizes, torch.tensor([len(given)], device=device))
    longest = int(torch.cat(sizes).max())
    padded = torch.cat([given, given.new_zeros(longest - len(given))])
    parts: list[Tensor] = [torch.empty_like(padded) for _ in range(world_size)]
    distributed.all_gather(parts, padded)
    return [
        part[: int(size)].cpu().numpy().tobytes() for part, size in zip(parts, sizes, strict=True)
    ]
