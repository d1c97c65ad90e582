"""What the verbs hand on; the runs themselves have tests of their own."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from omegaconf import OmegaConf

from seqlab.cli import check, composing
from seqlab.cli.main import main
from seqlab.config.compose import compose

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the run functions were called with, in place of running."""
    calls: list[tuple[Any, ...]] = []

    def record(name: str, status: int | None = None) -> Any:
        def function(*arguments: Any) -> int | None:
            calls.append((name, *arguments))
            return status

        return function

    for module, name in {"train": "train", "evaluate": "evaluate", "predict": "predict"}.items():
        fake = SimpleNamespace(**{name: record(name)})
        monkeypatch.setitem(sys.modules, f"seqlab.run.{module}", fake)
    fake = SimpleNamespace(sweep=record("sweep", status=1))
    monkeypatch.setitem(sys.modules, "seqlab.run.sweep", fake)
    monkeypatch.setattr(composing, "validate", lambda config: [])
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    return calls


def test_train_gets_the_config_and_the_overrides_with_slots(called: list[tuple[Any, ...]]) -> None:
    assert main(["train", "attention=hard", "run_dir=a b"]) == 0
    ((name, config, overrides),) = called
    assert name == "train"
    assert config.model.attention._target_.endswith("HardAttention")
    assert overrides == ["attention@model.attention=hard", "run_dir='a b'"]
    assert compose("train", overrides) == config


def test_idle_threads_sleep_unless_the_user_wants_otherwise(
    called: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["train"])
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    main(["train"])
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


def test_a_run_that_goes_on_is_not_composed_anew(called: list[tuple[Any, ...]]) -> None:
    """Its own config may have what the standard one has not, such as another optimizer's key."""
    words = ["train", "resume=runs/x", "optimizer.momentum=0.5", "threads=2"]
    assert main(words) == 0
    ((_, config, overrides),) = called
    assert (config.resume, config.threads) == ("runs/x", 2)
    assert overrides == ["resume='runs/x'", "optimizer.momentum=0.5", "threads=2"]


@pytest.mark.parametrize("words", [["sweep", "seed=1,2"], ["train", "--multirun", "seed=1,2"]])
def test_sweep_gets_the_words_and_gives_the_status(
    words: list[str], called: list[tuple[Any, ...]]
) -> None:
    assert main(words) == 1
    assert called == [("sweep", ["seed=1,2"])]


def test_eval_and_predict_get_their_configs(called: list[tuple[Any, ...]]) -> None:
    assert main(["eval", "run=a=b", "split=val", "decoding=greedy"]) == 0
    assert main(["predict", "run=r", "input=x/*.jpg"]) == 0
    (_, evaluated), (_, predicted) = called
    assert (evaluated.run, evaluated.split) == ("a=b", "val")
    assert evaluated.decoding._target_.endswith("Greedy")
    assert predicted.input == "x/*.jpg"


def test_flags_where_there_are_none(called: list[tuple[Any, ...]], capsys: Capture) -> None:
    assert main(["eval", "--fast", "run=r"]) == 2
    assert "--fast: seqlab eval takes no such flag" in capsys.readouterr().err
    assert called == []


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--cgf", "job"], "did you mean: --cfg?"),
        (["--cfg", "jobs"], "invalid choice: 'jobs'"),
        (["--resolve"], "belong to --cfg job"),
        (["--config-name", "x"], "--config-dir DIR experiment=NAME"),
        (["--experimental-rerun=x"], "resume=DIR"),
        (["--config-dir", "/nowhere/at/all"], "is no folder"),
    ],
)
def test_wrong_flags(
    words: list[str], text: str, called: list[tuple[Any, ...]], capsys: Capture
) -> None:
    assert main(["train", *words]) == 2
    assert text in capsys.readouterr().err


def test_a_folder_of_own_configs(called: list[tuple[Any, ...]], tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment/own.yaml").write_text("# @package _global_\n# Own\nseed: 17\n")
    assert main(["train", "--config-dir", str(tmp_path), "experiment=own"]) == 0
    assert called[0][1].seed == 17


def seqlab(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "seqlab", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_hydra_shows_the_config() -> None:
    done = seqlab("train", "--cfg", "job", "attention=hard", "--package", "model.attention")
    assert done.returncode == 0, done.stderr
    assert "HardAttention" in done.stdout
    done = seqlab("train", "--cfg", "job", "--resolve", "run_dir=x", "--package", "paths")
    assert "cache: ./runs/.cache" in done.stdout or "/.cache" in done.stdout


def test_hydra_shows_the_defaults() -> None:
    done = seqlab("train", "--info", "defaults", "score=dot")
    assert done.returncode == 0, done.stderr
    assert "attention/score/dot" in done.stdout


def test_check_prints_what_would_run(capsys: Capture) -> None:
    assert main(["check", "model=show_tell"]) == 0
    printed = OmegaConf.create(capsys.readouterr().out)
    assert printed == OmegaConf.create(
        OmegaConf.to_container(compose("train", ["model=show_tell"]), resolve=True)
    )


def test_check_tells_all_problems(capsys: Capture) -> None:
    assert main(["check", "+model.dropot=0.9", "trainer=b"]) == 2
    text = capsys.readouterr().err
    assert text.startswith("2 problems:\n\ntrainer: ")
    assert "\nmodel.dropot: " in text


def test_check_on_a_terminal_is_a_tree(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(composing, "validate", lambda config: [])
    assert main(["check", "attention=hard"]) == 0
    text = capsys.readouterr().out
    assert "├──" in text
    tree = check.tree(compose("train", ["attention=hard"]))
    model = next(branch for branch in tree.children if str(branch.label).startswith("model"))
    labels = [str(branch.label) for branch in model.children]
    assert str(model.label) == "model = show_attend_tell"
    assert "attention = hard" in labels
