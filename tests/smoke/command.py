"""The seqlab command, in a process of its own or in this one, on the smallest runs."""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

from seqlab.cli.main import main

# Decoding is short, so that untrained models end soon.
TINY = (
    "task=captioning",
    "data.source.num_train=16",
    "data.source.num_val=4",
    "data.source.num_test=4",
    "data.batch_size=20",
    "model.embedding_dim=8",
    "model.hidden_dim=16",
    "backbone=small_conv",
    "model.backbone.channels=8",
    "decoding=greedy",
    "task.decoding.max_length=4",
    "task.num_figures=0",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=1",
    "threads=1",
)


TINY_TRANSLATION = (
    "task=translation",
    "data.source.num_train=60",
    "data.source.num_val=6",
    "data.source.num_test=6",
    "data.batch_tokens=200",
    "model.embedding_dim=8",
    "model.hidden_dim=16",
    "decoding=greedy",
    "task.decoding.max_length=8",
    "task.num_figures=1",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=1",
    "threads=1",
)
# Of rnn_search, which has sizes that the other models of translation lack.
TINY_RNN_SEARCH = (*TINY_TRANSLATION, "model.encoder_dim=8", "model.maxout_dim=8")

TINY_MEMORY_QA = (
    "task=memory_qa",
    "data.source.num_train=12",
    "data.source.num_val=3",
    "data.source.num_test=3",
    "task.num_figures=2",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=1",
    "threads=1",
)

Ended = subprocess.CompletedProcess[str]


def seqlab(folder: Path, *arguments: str, stdin: str = "", **environment: str) -> Ended:
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
        input=stdin,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def seqlab_here(folder: Path, *arguments: str, stdin: str = "") -> Ended:
    """The command in this process: to import torch takes longer than such a run."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()))),
        mock.patch.dict(os.environ, SEQLAB_RUNS=str(folder / "runs")),
    ):
        status = main(arguments)
    return Ended(arguments, status, out.getvalue(), err.getvalue())


def done(ended: Ended) -> Ended:
    """The same, which ended well."""
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended
