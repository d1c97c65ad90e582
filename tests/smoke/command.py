"""The seqlab command in a process, on the smallest captioning run."""

import os
import subprocess
import sys
from pathlib import Path

# Decoding is short, so that untrained models end soon.
TINY = (
    "task=captioning",
    "data.source.num_train=16",
    "data.source.num_val=4",
    "data.source.num_test=4",
    "data.batch_size=20",
    "model.embedding_dim=8",
    "model.hidden_dim=16",
    "model.backbone.channels=8",
    "decoding=greedy",
    "task.decoding.max_length=4",
    "task.num_figures=0",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=1",
    "threads=1",
)


def seqlab(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process, with its runs below a folder.

    Without a PATH it finds no Java, whose start takes longer than such a run; the scores that need
    it are tested where they are made.
    """
    return subprocess.run(
        [sys.executable, "-m", "seqlab", *arguments],
        env={
            **os.environ,
            "PATH": "",
            "OMP_NUM_THREADS": "1",
            "SEQLAB_RUNS": str(folder / "runs"),
            **environment,
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
