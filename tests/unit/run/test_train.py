"""What a run leaves behind, and what it says when something goes wrong; on a tiny task."""

import errno
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from seqlab.config.errors import UserError
from seqlab.run.checkpoints import CheckpointWriteError
from seqlab.run.evaluate import evaluate
from seqlab.run.train import RunFailedError, train


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "smoke"))
    import tiny_runs

    return tiny_runs


@pytest.fixture
def start(tiny: ModuleType, tmp_path: Path) -> Callable[..., dict[str, float]]:
    """Train in a folder of the test; settings by their dotted keys."""

    def start(name: str = "run", **changes: Any) -> dict[str, float]:
        return train(tiny.tiny_config(tmp_path / name, **changes), [])

    return start


def load(path: Path) -> dict[str, Any]:
    return torch.load(path, weights_only=True)


def weights(path: Path) -> dict[str, torch.Tensor]:
    return load(path)["state_dict"]


def eval_config(run: Path, **changes: Any) -> Any:
    config = OmegaConf.create(
        {
            "run": str(run),
            "output": None,
            "checkpoint": "best",
            "split": "test",
            "num_figures": 2,
            "threads": 1,
            "allow": ["tiny_runs"],
            "paths": {"data": "data", "runs": "runs", "cache": str(run / "cache")},
            "choices": {},
            "decoding": None,
            "inference": None,
            "trainer": OmegaConf.load(Path(__file__).parents[3] / "conf/trainer/default.yaml"),
        }
    )
    for key, value in changes.items():
        OmegaConf.update(config, key, value)
    return config


def test_the_run_directory(start: Callable[..., dict[str, float]], tmp_path: Path) -> None:
    metrics = start(**{"trainer.max_epochs": 1})
    run = tmp_path / "run"
    assert {"train.log", "config.yaml", "overrides.txt", "env.json", "metrics.csv", "DONE"} <= {
        path.name for path in run.iterdir()
    }
    assert not (run / ".lock").exists()
    kept = json.loads((run / "metrics.json").read_text())
    assert metrics == {name: value for name, value in kept.items() if name != "test/loss_signature"}
    environment = json.loads((run / "env.json").read_text())
    assert (environment["seed"], environment["threads"], environment["split_hash"]) == (7, 1, "a")
    assert environment["versions"]["torch"].startswith(torch.__version__.split("+")[0])
    lines = (run / "predictions" / "test.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [str(i) for i in range(8)]
    config = OmegaConf.load(run / "config.yaml")
    assert (config.threads, config.optimizer.lr) == (1, 0.02)


def test_a_loss_that_is_no_number(start: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(RunFailedError) as raised:
        start(**{"task.nan_at": 5})
    text, last = str(raised.value), tmp_path / "run" / "checkpoints" / "last.ckpt"
    assert "the loss is nan at step 5 (learning rate 0.02); examples of the batch: " in text
    assert f"the last good checkpoint is {last} of step 4" in text
    assert raised.value.log_path == str(tmp_path / "run" / "train.log")
    assert "NonFiniteLossError" in Path(raised.value.log_path).read_text()
    assert all(weight.isfinite().all() for weight in weights(last).values())


def test_a_loss_that_is_no_number_from_the_start(start: Callable[..., Any]) -> None:
    with pytest.raises(RunFailedError, match="no checkpoint was written before it"):
        start(**{"task.nan_at": 0})


def test_broken_weights_replace_no_checkpoint(start: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(RunFailedError, match=r"layers\.0\.weight .* after step 6: the loss was"):
        start(**{"task.inf_gradient_at": 5, "trainer.gradient_clip_val": None})
    last = tmp_path / "run" / "checkpoints" / "last.ckpt"
    assert all(weight.isfinite().all() for weight in weights(last).values())


def test_an_average_that_a_resumed_run_could_not_complete_is_refused(
    start: Callable[..., Any], tiny: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_batch = tiny.TinyTask.train_batch

    def averaging(task: Any, batch: Any) -> Any:
        outcome = train_batch(task, batch)
        task.log("train/mean", outcome.objective.detach(), on_step=False, on_epoch=True)
        return outcome

    monkeypatch.setattr(tiny.TinyTask, "train_batch", averaging)
    with pytest.raises(RuntimeError, match="train/mean is averaged over the epoch"):
        start()


def test_a_full_disk(
    start: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start("whole")
    last = tmp_path / "run" / "checkpoints" / "last.ckpt"
    replace = os.replace

    def full_after_step_4(source: Any, target: Any) -> None:
        if Path(target) == last and last.exists() and load(last)["global_step"] == 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full_after_step_4)
    with pytest.raises(CheckpointWriteError, match=r"the disk is full .* is whole") as raised:
        start()
    assert raised.value.log_path == str(tmp_path / "run" / "train.log")
    assert [path.name for path in sorted(last.parent.iterdir())] == ["last.ckpt"]

    monkeypatch.undo()
    start()
    for file in ("metrics.csv", "metrics.json"):
        assert (tmp_path / "run" / file).read_text() == (tmp_path / "whole" / file).read_text()


def test_a_done_run_is_left_alone(
    start: Callable[..., Any],
    tiny: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    metrics = start(**{"trainer.max_epochs": 1})
    written = (tmp_path / "run" / "metrics.csv").stat().st_mtime_ns
    config = tiny.tiny_config(tmp_path / "run", resume=str(tmp_path / "run"), run_dir=None)
    assert train(config, [f"resume={tmp_path / 'run'}"]) == metrics
    assert "is done" in capsys.readouterr().out
    assert (tmp_path / "run" / "metrics.csv").stat().st_mtime_ns == written


def test_more_epochs_later_are_as_good_as_at_once(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    start("at_once", **{"trainer.max_epochs": 3})
    start("later", **{"trainer.max_epochs": 1})
    start("later", **{"trainer.max_epochs": 3})
    once, later = tmp_path / "at_once", tmp_path / "later"
    for file in ("metrics.csv", "metrics.json"):
        assert (once / file).read_text() == (later / file).read_text()
    first, second = (weights(run / "checkpoints" / "last.ckpt") for run in (once, later))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert len(json.loads((later / "env.json").read_text())["resumed"]) == 1


def test_other_settings_are_refused_in_the_same_folder(start: Callable[..., Any]) -> None:
    start(**{"trainer.max_epochs": 1})
    with pytest.raises(UserError, match=r"other settings: optimizer\.lr"):
        start(**{"trainer.max_epochs": 1, "optimizer.lr": 0.5})


def test_other_data_is_refused(start: Callable[..., Any], tmp_path: Path) -> None:
    start(**{"trainer.max_epochs": 1})
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace("split_hash: a", "split_hash: b"))
    with pytest.raises(UserError, match="its splits hash to b, the run's to a"):
        start(**{"trainer.max_epochs": 2, "data.split_hash": "b"})


def test_without_validation_the_last_is_the_best(start: Callable[..., Any], tmp_path: Path) -> None:
    metrics = start(**{"trainer.max_epochs": 2, "trainer.limit_val_batches": 0})
    assert metrics["epoch"] == 2
    assert "val/loss" not in metrics
    best, last = (weights(tmp_path / "run" / "checkpoints" / f"{n}.ckpt") for n in ("best", "last"))
    assert all(torch.equal(best[name], last[name]) for name in best)


def test_without_test_data_the_best_is_measured_on_val(start: Callable[..., Any]) -> None:
    metrics = start(**{"trainer.max_epochs": 1, "trainer.limit_test_batches": 0})
    assert "test/loss" not in metrics
    assert metrics["val/loss"] > 0


def test_evaluation_repeats_the_numbers_of_the_run(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    metrics = start(**{"trainer.max_epochs": 2})
    run = tmp_path / "run"
    before = (run / "metrics.json").read_text()
    assert evaluate(eval_config(run)) == {"test/loss": metrics["test/loss"]}
    assert (run / "metrics.json").read_text() == before


def test_another_checkpoint_has_a_file_of_its_own(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    start(**{"trainer.max_epochs": 1})
    run = tmp_path / "run"
    before = (run / "metrics.json").read_text()
    found = evaluate(eval_config(run, checkpoint="last", split="val"))
    assert json.loads((run / "metrics_val_last.json").read_text())["val/loss"] == found["val/loss"]
    assert (run / "predictions" / "val_last.jsonl").exists()
    assert (run / "metrics.json").read_text() == before


def test_a_checkpoint_reaches_only_what_is_allowed(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    start(**{"trainer.max_epochs": 1})
    path = tmp_path / "run" / "checkpoints" / "best.ckpt"
    content = load(path)
    content["seqlab"] = content["seqlab"].replace("tiny_runs.TinyModel", "os.system")
    torch.save(content, path)
    with pytest.raises(UserError, match=r"os\.system"):
        evaluate(eval_config(tmp_path / "run"))


def test_signals_are_given_back(start: Callable[..., Any]) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    start(**{"trainer.max_epochs": 1})
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
