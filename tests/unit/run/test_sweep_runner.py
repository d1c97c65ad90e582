"""Sweeps with a stand-in for `seqlab train`: skip, retry, resume, prune, interrupt, results."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from seqlab.config.errors import UserError
from seqlab.run.cluster import SubmititLauncher
from seqlab.run.launchers import LocalLauncher
from seqlab.run.sweep import run_plan
from seqlab.run.sweep_jobs import Job, Objective, State, quote
from seqlab.run.sweep_plan import Plan
from seqlab.run.sweep_search import GridSweep, OptunaSweep
from seqlab.run.sweep_space import split

FAKE = (sys.executable, str(Path(__file__).with_name("sweep_fake_train.py")))
GRID = {"name": None, "metric": None, "mode": None, "retries": 1}


def plan(folder: Path, *overrides: str, n_jobs: int = 2, **changes: object) -> Plan:
    values = {
        "command": "seqlab sweep " + " ".join(overrides),
        "space": split(overrides, lambda group: ())[0],
        "settings": GridSweep(**GRID),
        "launcher": LocalLauncher(n_jobs=n_jobs, in_view=False),
        "n_jobs": n_jobs,
        "objective": Objective("val/score", "max"),
        "max_epochs": 2,
        "directory": folder / "sweep",
        "program": FAKE,
    }
    return Plan(**{**values, **changes})


def run(sweep: Plan) -> tuple[int, str]:
    text = io.StringIO()
    status = run_plan(sweep, Console(file=text, width=160), poll_seconds=0.02)
    return status, text.getvalue()


def results(sweep: Plan) -> list[dict[str, str]]:
    with (sweep.directory / "sweep_results.csv").open() as file:
        return list(csv.DictReader(file))


def starts(sweep: Plan, override: str) -> list[str]:
    for path in sweep.directory.glob("*/config.yaml"):
        given = json.loads(path.read_text())
        if override in [f"{key}={value}" for key, value in given.items()]:
            return (path.parent / "starts.txt").read_text().splitlines()
    return []


def test_a_grid_is_run_ranked_and_written(tmp_path: Path) -> None:
    sweep = plan(tmp_path, "epochs=3", "lr=0.5,2,1")
    status, text = run(sweep)
    assert status == 0
    rows = results(sweep)
    assert [(row["lr"], float(row["val/score"])) for row in rows] == [
        ("2", 6.0),
        ("1", 3.0),
        ("0.5", 1.5),
    ]
    assert (
        f"seqlab train epochs=3 lr=2\n  its run: {sweep.directory / rows[0]['directory']}" in text
    )
    content = json.loads((sweep.directory / "sweep_results.json").read_text())
    assert content["jobs"][0]["metrics"] == {
        "val/score": 6.0,
        "test/loss": -6.0,
        "test/score": 3.0,
    }
    assert {row["state"] for row in rows} == {"done"}


def test_done_jobs_are_skipped(tmp_path: Path) -> None:
    run(plan(tmp_path, "lr=1,2"))
    sweep = plan(tmp_path, "lr=1,2,3")
    status, text = run(sweep)
    assert status == 0
    assert text.count("done before, skipped") == 2
    assert [len(starts(sweep, f"lr={lr}")) for lr in (1, 2, 3)] == [1, 1, 1]
    assert [row["lr"] for row in results(sweep)] == ["3", "2", "1"]


def test_failed_jobs_are_shown_and_tried_again(tmp_path: Path) -> None:
    sweep = plan(tmp_path, "fail=no,once,always,config")
    status, text = run(sweep)
    assert status == 1
    states = {row["fail"]: row["state"] for row in results(sweep)}
    assert states == {"no": "done", "once": "done", "always": "failed", "config": "failed"}
    # Once for `once`, twice for `always`: an attempt does not repeat what the one before said.
    assert text.count("| the disk is made of cheese") == 3
    assert "| this key is wrong" in text
    # A config that is wrong stays wrong.
    counts = [len(starts(sweep, f"fail={kind}")) for kind in ("no", "once", "always", "config")]
    assert counts == [1, 2, 2, 1]
    assert all("resume=" in line for line in starts(sweep, "fail=always")[1:])


def test_an_interrupted_sweep_goes_on(tmp_path: Path) -> None:
    sweep = plan(tmp_path, "lr=1,2,3", "epochs=8", "seconds=0.2")

    def interrupt() -> None:
        while len(list(sweep.directory.glob("*/metrics.csv"))) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt)
    thread.start()
    status, text = run(sweep)
    thread.join()
    assert status == 130
    assert f"The same command goes on:\n  {sweep.command}" in text
    assert sorted(row["state"] for row in results(sweep)) == [
        "interrupted",
        "interrupted",
        "waiting",
    ]
    assert len(list(sweep.directory.glob("*/saved"))) == 2
    assert not list(sweep.directory.glob("*.pid"))
    status, _ = run(sweep)
    assert status == 0
    assert [float(row["val/score"]) for row in results(sweep)] == [24.0, 16.0, 8.0]
    assert [len(starts(sweep, f"lr={lr}")) for lr in (1, 2, 3)] == [2, 2, 1]


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    sweep = plan(tmp_path, "lr=1")
    sweep.directory.mkdir()
    me = psutil.Process()
    holder = {"pid": me.pid, "started": me.create_time(), "host": os.uname().nodename}
    (sweep.directory / ".lock").write_text(json.dumps(holder))
    with pytest.raises(UserError, match="another process"):
        run(sweep)


def test_a_job_that_outlived_its_sweep_is_ended_first(tmp_path: Path) -> None:
    sweep = plan(tmp_path, "lr=1")
    sweep.directory.mkdir()
    script = f"trap 'touch {tmp_path}/saved; exit' TERM; while :; do sleep 0.05; done"
    orphan = subprocess.Popen(["sh", "-c", script], start_new_session=True)
    job = Job(("lr=1",), {"lr": "1"}, sweep.directory)
    known = {"pid": orphan.pid, "created": psutil.Process(orphan.pid).create_time()}
    (sweep.directory / f"{job.id}.pid").write_text(json.dumps(known))
    assert run(sweep)[0] == 0
    orphan.wait(5)
    assert (tmp_path / "saved").exists()


def test_bad_trials_are_pruned(tmp_path: Path) -> None:
    settings = OptunaSweep(
        **GRID,
        sampler="random",
        num_trials=6,
        num_startup_trials=0,
        seed=3,
        pruner="median",
        min_epochs=1,
        min_trials=2,
    )
    sweep = plan(
        tmp_path, "lr=interval(0,1)", "epochs=3", "seconds=0.3", n_jobs=1, settings=settings
    )
    status, _ = run(sweep)
    assert status == 0
    rows = sorted(results(sweep), key=lambda row: row["state"])
    done = [row for row in rows if row["state"] == "done"]
    pruned = [row for row in rows if row["state"] == "pruned"]
    assert len(done) + len(pruned) == 6
    assert len(done) >= 2
    assert pruned
    assert max(float(row["lr"]) for row in pruned) < max(float(row["lr"]) for row in done)
    assert not any((sweep.directory / row["directory"] / "DONE").exists() for row in pruned)
    # All is known to the next call.
    before = [row["directory"] for row in results(sweep)]
    assert run(sweep)[0] == 0
    assert [row["directory"] for row in results(sweep)] == before


def test_a_metric_that_no_job_has(tmp_path: Path) -> None:
    sweep = plan(tmp_path, "lr=1", objective=Objective("val/scor", "max"))
    with pytest.raises(UserError) as caught:
        run(sweep)
    (problem,) = caught.value.problems
    assert (problem.key, problem.nearest) == ("sweep.metric", "val/score")


def test_a_result_that_is_no_number_comes_last(tmp_path: Path) -> None:
    sweep = plan(tmp_path, "score=nan,3,5")
    assert run(sweep)[0] == 0
    assert [row["score"] for row in results(sweep)] == ["5", "3", "nan"]


def test_jobs_share_the_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqlab.run.environment.available_cores", lambda: 6)
    assert LocalLauncher(n_jobs=3, in_view=False).threads == 2
    assert LocalLauncher(n_jobs=9, in_view=False).threads == 1
    assert LocalLauncher(n_jobs=1, in_view=False).threads is None
    job = Job(("a=1",), {}, tmp_path, ("p",))
    assert job.command(2) == ["p", "train", "a=1", "threads=2", f"run_dir={job.directory}"]
    chosen = Job(("threads=5",), {}, tmp_path, ("p",))
    assert chosen.command(2) == ["p", "train", "threads=5", f"run_dir={chosen.directory}"]
    seeds = Job(("seeds=3",), {}, tmp_path, ("p",))  # the sweep has shared out the machine
    assert seeds.command(2)[2:-1] == ["seeds=3", "threads=2", "n_jobs=1"]


def test_paths_with_odd_letters_survive_hydras_grammar() -> None:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    for path in ("/plain/path-1.0", "/a b/c", "/it's,{odd}", "/a=b", "/ends\\"):
        assert OverridesParser.create().parse_override(f"x={quote(path)}").value() == path


def test_submitit_runs_jobs_and_stops_them(tmp_path: Path) -> None:
    def launcher(folder: Path) -> SubmititLauncher:
        return SubmititLauncher(
            sweep_dir=folder / "sweep",
            cluster="local",
            time=5,
            nodes=1,
            tasks_per_node=1,
            gpus=0,
            cpus=1,
            memory=None,
            partition=None,
            account=None,
            qos=None,
            constraint=None,
            setup=[],
            options={},
        )

    sweep = plan(tmp_path, "lr=2", "fail=no,once", launcher=launcher(tmp_path), n_jobs=2)
    assert run(sweep)[0] == 0
    assert [float(row["val/score"]) for row in results(sweep)] == [4.0, 4.0]
    assert len(starts(sweep, "fail=once")) == 2

    slow = plan(
        tmp_path / "slow", "lr=1", "epochs=99", "seconds=0.2", launcher=launcher(tmp_path / "slow")
    )

    def interrupt() -> None:
        while not list(slow.directory.glob("*/metrics.csv")):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt)
    thread.start()
    assert run(slow)[0] == 130
    thread.join()
    assert list(slow.directory.glob("*/saved"))
    assert results(slow)[0]["state"] == State.INTERRUPTED
