"""Means and intervals over seeds, and the runs they are of."""

import json
import math
from pathlib import Path

import pytest

from seqlab.run import seeds
from seqlab.run.seed_runs import several
from tests.unit.run.several_runs import config, starts, write_plan


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


@pytest.mark.usefixtures("fake_train")
def test_runs_those_that_are_not_done(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    parent = tmp_path / "run"
    command = config(parent, seeds=3)
    plan = write_plan(tmp_path, seed_5={"fail": "once"})
    overrides = [plan, "seed=4", "seeds=3", f"run_dir={parent}"]
    with pytest.raises(seeds.SeedsFailedError, match=r"seeds 5 failed.*resume="):
        seeds.train_seeds(command, overrides)
    assert not (parent / "DONE").exists()
    assert "the disk is made of cheese" in capfd.readouterr().out  # one at a time prints here
    for seed in (4, 5, 6):
        ((_, *words),) = [["train", *start] for start in starts(parent / f"seed_{seed}")]
        given = dict(word.split("=", 1) for word in words)
        assert given["seed"] == str(seed)
        assert (given["seeds"], given["threads"]) == ("null", "1")

    assert several(config(parent, resume=str(parent))) == "seeds"
    metrics = seeds.train_seeds(command, overrides)
    assert [len(starts(parent / f"seed_{seed}")) for seed in (4, 5, 6)] == [1, 2, 1]
    assert metrics["test/loss"] == -2.0
    assert json.loads((parent / "metrics.json").read_text()) == metrics
    assert (parent / "DONE").exists()
