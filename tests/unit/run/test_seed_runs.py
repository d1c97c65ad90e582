"""Several runs of one command: together, stopped and gone on with, with other settings."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from seqlab.run.opening import open_run
from seqlab.run.screen import Screen
from seqlab.run.seed_runs import jobs_at_once, several, train_all
from seqlab.run.sweep_jobs import Job
from tests.unit.run.several_runs import config, starts

SEEDS = (4, 5, 6)


def train(folder: Path, *overrides: str, **changes: object) -> list[Job]:
    opened = open_run(config(folder, seeds=3, **changes), overrides)
    return train_all(opened, Screen(), "seed", 3)


@pytest.mark.usefixtures("fake_train")
def test_stopped_runs_save_and_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, words = tmp_path / "run", ("epochs=8", "seconds=0.2")

    def interrupt() -> None:
        while len(list(folder.glob("*/metrics.csv"))) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt)
    before = signal.getsignal(signal.SIGTERM)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        train(folder, *words, n_jobs=2)
    thread.join()
    assert signal.getsignal(signal.SIGTERM) == before
    assert sorted(path.parent.name for path in folder.glob("*/saved")) == ["seed_4", "seed_5"]
    assert f"seqlab train resume={folder}" in capsys.readouterr().out

    jobs = train(folder, *words, n_jobs=2)
    assert [job.metrics["val/score"] for job in jobs] == [8.0, 8.0, 8.0]
    assert [len(starts(folder / f"seed_{seed}")) for seed in SEEDS] == [2, 2, 1]
    assert starts(folder / "seed_4")[1] == [f"resume={folder / 'seed_4'}"]


@pytest.mark.usefixtures("fake_train")
def test_other_settings_reach_runs_that_are_done(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(folder, "epochs=1", trainer={"max_epochs": 1})
    train(folder, "epochs=1", trainer={"max_epochs": 1}, n_jobs=3)  # says nothing of a run itself
    assert [len(starts(folder / f"seed_{seed}")) for seed in SEEDS] == [1, 1, 1]
    jobs = train(folder, "epochs=3", trainer={"max_epochs": 3}, n_jobs=3)
    assert [job.metrics["val/score"] for job in jobs] == [3.0, 3.0, 3.0]
    for seed in SEEDS:
        assert "epochs=3" in starts(folder / f"seed_{seed}")[1]


def test_an_experiment_may_ask_for_several(tmp_path: Path) -> None:
    assert several(config(tmp_path)) is None
    assert several(config(tmp_path, restarts=2)) == "restarts"
    (tmp_path / "config.yaml").write_text("restarts: 2\n")
    assert several(OmegaConf.create({"resume": str(tmp_path)})) == "restarts"


def test_runs_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqlab.run.seed_runs.available_cores", lambda: 8)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    def at_once(count: int = 20, accelerator: str = "cpu", **changes: object) -> int:
        trainer = {"accelerator": accelerator}
        return jobs_at_once(config(tmp_path, trainer=trainer, **changes), count)

    assert at_once() == 1
    assert at_once(n_jobs=30) == 20
    assert at_once(n_jobs=None) == 8
    assert at_once(n_jobs=None, threads=3) == 2
    assert at_once(n_jobs=None, threads=9) == 1
    assert at_once(n_jobs=None, count=5, threads=None) == 5
    assert at_once(n_jobs=None, accelerator="auto") == 2
