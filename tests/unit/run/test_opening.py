"""Which settings may change when a run goes on."""

from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from seqlab.config.compose import compose
from seqlab.config.errors import UserError
from seqlab.run.opening import Opened, differences, keep_settings, open_run
from seqlab.run.rundir import RunDir

# A cosine is cut to the length of the run, which could not grow afterwards.
OVERRIDES = ["model=show_tell", "optimizer.lr=0.01", "scheduler=constant"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunDir, DictConfig]:
    """A run directory with settings in it."""
    run_dir = RunDir(tmp_path_factory.mktemp("runs") / "run")
    config = compose("train", OVERRIDES)
    config.threads = 3  # as the run has chosen
    keep_settings(Opened(run_dir, config, OVERRIDES))
    return run_dir, config


def resume(run_dir: RunDir, *overrides: str) -> Opened:
    words = [f"resume={run_dir.path}", *overrides]
    return open_run(compose("train", words), words)


def test_a_run_goes_on_with_its_own_settings(kept: tuple[RunDir, DictConfig]) -> None:
    opened = resume(kept[0])
    assert opened.config == OmegaConf.load(kept[0].config)
    assert (opened.config.optimizer.lr, opened.config.threads) == (0.01, 3)
    assert opened.overrides == OVERRIDES
    assert not opened.changed


def test_it_may_go_on_for_longer(kept: tuple[RunDir, DictConfig]) -> None:
    opened = resume(kept[0], "trainer.max_epochs=20", "logger=tensorboard")
    assert opened.changed
    assert opened.config.trainer.max_epochs == 20
    assert "tensorboard" in opened.config.logger
    assert opened.config.optimizer.lr == 0.01
    assert opened.overrides == [*OVERRIDES, "trainer.max_epochs=20", "logger=tensorboard"]


@pytest.mark.parametrize("override", ["model.dropout=0.3", "seed=5", "optimizer.lr=0.5"])
def test_what_is_computed_already_stays(kept: tuple[RunDir, DictConfig], override: str) -> None:
    with pytest.raises(UserError, match="cannot change when a run goes on; it was"):
        resume(kept[0], override)


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no run"):
        resume(RunDir(tmp_path))


def test_a_run_of_an_older_version_is_not_changed(kept: tuple[RunDir, DictConfig]) -> None:
    run_dir, config = kept
    before = {key: value for key, value in config.items() if key not in ("select", "n_jobs")}
    OmegaConf.save(OmegaConf.create(before), run_dir.path / "config.yaml")
    words = [*OVERRIDES, f"run_dir={run_dir.path}"]
    opened = open_run(compose("train", words), words)
    keep_settings(Opened(run_dir, config, OVERRIDES))
    assert opened.changed
    assert not opened.runs_changed


def test_differences_are_dotted_keys() -> None:
    before = OmegaConf.create({"a": {"b": 1, "c": [1, 2]}, "d": {}, "threads": 2, "run_dir": "x"})
    now = OmegaConf.create({"a": {"b": 1, "c": [1, 3]}, "d": {"e": 0}, "threads": None})
    assert differences(before, now) == ["a.c", "d", "d.e"]
