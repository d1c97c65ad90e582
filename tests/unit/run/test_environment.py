"""How many threads a run takes where it is not told."""

import platform
import subprocess
import sys

import pytest

from seqlab.run import environment


@pytest.mark.parametrize(
    ("wanted", "cores", "threads"),
    [
        (None, 2, 2),
        (None, 64, 4),
        ("1", 8, 1),
        ("6", 8, 6),
        ("3,2", 8, 3),  # the first is that of the outermost level
        ("many", 2, 2),
        ("0", 2, 2),
        ("", 2, 2),
    ],
)
def test_sound_threads(
    wanted: str | None, cores: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if wanted is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    monkeypatch.setattr(environment, "available_cores", lambda: cores)
    assert environment.sound_threads() == threads


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told")
def test_memory_of_dead_tensors_is_used_again() -> None:
    """Faults of pages are counted: what is new from the kernel has one for each page."""
    script = """
import resource, sys, torch
from seqlab.run.environment import keep_memory
assert sys.argv[1] == "usual" or keep_memory()
torch.set_num_threads(1)
for _ in range(10):  # until the heap is as large as it has to be
    torch.ones(2**24)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(9):
    torch.ones(2**24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    usual, kept = (
        int(subprocess.check_output([sys.executable, "-c", script, how])) for how in ("usual", "")
    )
    assert kept < usual / 10
