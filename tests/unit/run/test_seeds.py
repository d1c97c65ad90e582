"""Means and intervals over seeds."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from seqlab.run import seeds
from seqlab.run.rundir import RunDir


def test_mean_and_interval_by_hand() -> None:
    results = [{"test/loss": value, "test/signature": "x", "epoch": 3} for value in (1.0, 2.0, 3.0)]
    metrics = seeds.summarise(results)
    assert metrics["test/loss"] == 2.0
    # Student's t at 0.975 with 2 degrees of freedom is 4.30265; the deviation is 1
    assert metrics["test/loss_interval95"] == pytest.approx(4.30265 / math.sqrt(3), rel=1e-5)
    assert metrics["num_seeds"] == 3
    assert set(metrics) == {"test/loss", "test/loss_interval95", "num_seeds"}


def test_a_metric_that_one_run_lacks_is_left_out() -> None:
    metrics = seeds.summarise([{"test/a": 1.0, "test/meteor": 0.3}, {"test/a": 2.0}])
    assert "test/meteor" not in metrics
    assert metrics["test/a"] == 1.5


def test_one_seed_has_no_interval() -> None:
    assert seeds.summarise([{"test/a": 1.0}]) == {"num_seeds": 1, "test/a": 1.0}


def test_runs_those_that_are_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from omegaconf import OmegaConf

    started: list[tuple[int, list[str]]] = []

    def run_one(child: RunDir, seed: int, overrides: Any) -> int:
        started.append((seed, [*overrides]))
        if seed == 5 and len(started) == 2:
            return 1
        child.create()
        child.write_metrics({"test/loss": float(seed)})
        child.done.touch()
        return 0

    monkeypatch.setattr(seeds, "_run_one", run_one)
    parent = tmp_path / "run"
    config = OmegaConf.create({"seed": 4, "seeds": 3, "run_dir": str(parent), "resume": None})
    overrides = ["model=show_tell", "seed=4", "seeds=3", f"run_dir={parent}"]
    with pytest.raises(seeds.SeedsFailedError, match=r"seeds 5 failed.*resume="):
        seeds.train_seeds(config, overrides)
    assert started == [(seed, ["model=show_tell"]) for seed in (4, 5, 6)]
    assert not (parent / "DONE").exists()

    started.clear()
    assert seeds.holds_seeds(str(parent))
    metrics = seeds.train_seeds(config, overrides)
    assert [seed for seed, _ in started] == [5]
    assert metrics["test/loss"] == 5.0
    assert json.loads((parent / "metrics.json").read_text()) == metrics
    assert (parent / "DONE").exists()
