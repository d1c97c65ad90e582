"""The seqlab command sweeps over real training runs."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

# The smallest captioning run; decoding is short, so that untrained models end soon.
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


def seqlab(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process, with its runs below a folder."""
    environment = {**os.environ, "SEQLAB_RUNS": str(folder / "runs"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "seqlab", *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_grid_of_two_models(tmp_path: Path) -> None:
    command = ("sweep", *TINY, "attention=additive,general", "sweep.name=two", "n_jobs=2")
    ended = seqlab(tmp_path, *command)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    folder = tmp_path / "runs" / "captioning" / "show_attend_tell" / "two"
    with (folder / "sweep_results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["attention"] for row in rows} == {"additive", "general"}
    for row in rows:
        metrics = json.loads((folder / row["directory"] / "metrics.json").read_text())
        assert float(row["val/cider"]) == metrics["val/cider"]
    assert float(rows[0]["val/cider"]) >= float(rows[1]["val/cider"])
    assert f"attention={rows[0]['attention']}" in ended.stdout.split("The best again:")[1]

    again = seqlab(tmp_path, *command)
    assert again.returncode == 0
    assert again.stdout.count("done before, skipped") == 2


def test_all_that_is_wrong_is_told_before_a_job_starts(tmp_path: Path) -> None:
    wrong = ("attention=additive,hrd", "optimizer.lr=1e-3,fast", "sweep.retries=1")
    ended = seqlab(tmp_path, "sweep", *TINY, *wrong)
    assert ended.returncode == 2
    assert "did you mean: hard?" in ended.stderr
    assert "given: fast" in ended.stderr
    assert not (tmp_path / "runs").exists()
