"""Which restart is kept, and what is left of it and of the others."""

import json
import statistics
from pathlib import Path

import pytest
import yaml

from seqlab.config.errors import UserError
from seqlab.run.restart_choice import RestartsFailedError, last_training_loss
from seqlab.run.restarts import train_restarts
from tests.unit.run.several_runs import config, starts, write_plan

pytestmark = pytest.mark.usefixtures("fake_train")

# By their seeds: what the validation says, and what the training loss says.
SCORES = {"seed_4": {"score": "3", "loss": "2"}, "seed_5": {"score": "9", "loss": "4"}}
SCORES |= {"seed_6": {"score": "5", "loss": "1"}, "seed_7": {"score": "nan", "loss": "nan"}}


def train(folder: Path, *overrides: str, **changes: object) -> dict[str, float]:
    count = {"restarts": 4, "n_jobs": 4}
    return train_restarts(config(folder, **{**count, **changes}), overrides)


def test_the_best_by_validation_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    metrics = train(folder, write_plan(tmp_path, **SCORES))
    assert metrics == {
        **{"val/score": 9.0, "test/loss": -9.0, "test/score": 4.5},
        **{"seed": 5, "num_restarts": 4, "num_failed_restarts": 0},
    }
    assert json.loads((folder / "metrics.json").read_text()) == metrics
    for name in ("checkpoints/best.ckpt", "checkpoints/last.ckpt", "predictions/test.jsonl"):
        assert (folder / name).read_text() == f"{name} of seed 5"
    assert json.loads((folder / "env.json").read_text()) == {"seed": "5"}
    assert (folder / "metrics.csv").read_text() == (folder / "restart_5/metrics.csv").read_text()
    assert (folder / "figures/restarts.png").stat().st_size > 0
    text = (folder / "config.yaml").read_text()
    assert text.startswith("# kept of 4 restarts: restart_5, of seed 5\n")
    assert yaml.safe_load(text)["seed"] == 4  # as it was begun, so that it can be gone on with
    assert (folder / "DONE").exists()
    assert "restart_5 is kept for its val/score of 9.0000; the test" in capsys.readouterr().out


def test_checkpoints_take_no_room_twice(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    for n_jobs in (2, 1):  # the second time the same one is kept again
        train(folder, restarts=2, n_jobs=n_jobs)
        best = folder / "checkpoints/best.ckpt"
        assert best.samefile(folder / "restart_4/checkpoints/best.ckpt")
        assert {path.name for path in best.parent.iterdir()} == {"best.ckpt", "last.ckpt"}
    assert (folder / "config.yaml").read_text().count("# kept of") == 1


def test_how_far_they_lie_apart(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(folder, write_plan(tmp_path, **SCORES), restarts=3)
    kept = json.loads((folder / "restarts.json").read_text())
    assert (kept["metric"], kept["mode"], kept["winner"]) == ("val/score", "max", "restart_5")
    assert [(each["seed"], each["value"]) for each in kept["restarts"]] == [(4, 3), (5, 9), (6, 5)]
    spread = kept["spread"]["test/score"]
    assert (spread["min"], spread["median"], spread["max"]) == (1.5, 2.5, 4.5)
    assert spread["deviation"] == pytest.approx(statistics.stdev([1.5, 4.5, 2.5]))


def test_the_lowest_training_loss_and_then_the_validation(tmp_path: Path) -> None:
    folder, plan = tmp_path / "run", write_plan(tmp_path, **SCORES)
    assert train(folder, plan, select="train")["seed"] == 6
    kept = json.loads((folder / "restarts.json").read_text())
    # two epochs, of which the last halves the loss
    assert [each["value"] for each in kept["restarts"]] == [1.0, 2.0, 0.5, None]

    assert train(folder, plan, select="val")["seed"] == 5  # the same runs, chosen from anew
    assert (folder / "checkpoints/best.ckpt").read_text() == "checkpoints/best.ckpt of seed 5"
    assert [len(starts(folder / f"restart_{seed}")) for seed in (4, 5, 6, 7)] == [1, 1, 1, 1]


def test_the_training_loss_is_that_of_the_last_epoch() -> None:
    rows = [("1", 9.0), ("2", 1.0), ("2", 4.0)]
    table = [{"epoch": epoch, "train/loss": str(loss)} for epoch, loss in rows]
    assert last_training_loss([*table, {"epoch": "3", "val/loss": "7"}]) == 2.5
    assert last_training_loss([]) is None


def test_those_that_failed_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    plan = write_plan(tmp_path, **{**SCORES, "seed_5": {"fail": "always"}})
    metrics = train(folder, plan)
    assert (metrics["seed"], metrics["num_failed_restarts"]) == (6, 1)
    out = " ".join(capsys.readouterr().out.split())
    assert "restart_5 failed (exit status 1); its log is" in out
    kept = json.loads((folder / "restarts.json").read_text())
    assert [each["state"] for each in kept["restarts"]] == ["done", "failed", "done", "done"]

    again = train(folder, plan)  # it is done, and says what it said
    assert again == metrics
    assert len(starts(folder / "restart_5")) == 1


def test_all_that_failed_are_tried_again(tmp_path: Path) -> None:
    folder, words = tmp_path / "run", ("fail=once",)
    with pytest.raises(RestartsFailedError, match=r"all 2 restarts failed.*train resume="):
        train(folder, *words, restarts=2)
    assert not (folder / "DONE").exists()
    assert train(folder, *words, restarts=2)["seed"] == 4  # of equals the first


def test_no_number_to_choose_by(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no restart has a number for val/score"):
        train(tmp_path / "run", "score=nan", restarts=2)
