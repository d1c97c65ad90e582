"""What a run ran on: versions, code, hardware; and how many threads it uses."""

import ctypes
import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
import torch

import seqlab

PACKAGES = (
    "seqlab",
    "torch",
    "torchvision",
    "torchmetrics",
    "lightning",
    "timm",
    "numpy",
    "hydra-core",
    "omegaconf",
    "pycocoevalcap",
)

# M_MMAP_MAX and M_TRIM_THRESHOLD of glibc's malloc.h: all blocks come from its heap, which never
# shrinks.
_KEEP = ((-4, 0), (-1, 2**31 - 1))


def sound_threads() -> int:
    """Threads for torch where the user names none: the cores this process may use, at most 4.

    OMP_NUM_THREADS is a name for them too, by which schedulers and shells share out a machine.

    The nets here are small: beyond a few threads their matrix products lose more time waiting for
    each other than they gain. That idle threads sleep (`seqlab.cli.composing.calm_threads`) matters
    more: show, attend and tell on scenes trained on 830 captions/s with two sleeping threads and on
    890 with one; with two that spin, on 1,270 alone but on 280 beside another such run.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if wanted.isdecimal() and int(wanted) >= 1:
        return int(wanted)
    return max(1, min(available_cores(), 4))


def keep_memory() -> bool:
    """Let the C library keep the memory of dead tensors for new ones; whether it does.

    glibc gives each large block back to the kernel and asks for it again in the next step, which
    then clears it page by page: 15 to 20 % of a training step of FCN on one core, and a quarter of
    an evaluation at full resolution. Other C libraries are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    done = [mallopt(option, value) for option, value in _KEEP]
    return all(done)


def available_cores() -> int:
    """Cores that this process may use, which a container or a scheduler may have narrowed."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def describe_environment(*, seed: int, threads: int, split_hash: str | None) -> dict[str, Any]:
    """What is worth knowing when a number has to be traced."""
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": sys.argv,
        "seed": seed,
        "threads": threads,
        "split_hash": split_hash,
        "python": platform.python_version(),
        "versions": versions(),
        "git": git_state(),
        "platform": platform.platform(),
        "hardware": hardware(),
    }


def versions() -> dict[str, str]:
    """Versions of the packages whose numbers a run depends on."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_state() -> dict[str, Any] | None:
    """Commit of the code and whether it was changed since; None where it is no checkout."""
    folder = Path(seqlab.__file__).parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
        return run.stdout.strip()

    try:
        if not git("ls-files", "--", "__init__.py"):  # inside some other repository
            return None
        return {
            "commit": git("rev-parse", "HEAD"),
            "dirty": bool(git("status", "--porcelain", "--untracked-files=no")),
        }
    except (OSError, subprocess.SubprocessError):
        return None


def hardware() -> dict[str, Any]:
    """Processor, memory and accelerators."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "available_cores": available_cores(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()
