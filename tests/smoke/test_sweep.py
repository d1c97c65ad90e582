"""The seqlab command sweeps over real training runs."""

import csv
import json
from pathlib import Path

from tests.smoke.command import TINY, seqlab


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
