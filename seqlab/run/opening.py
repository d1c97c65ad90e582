"""Which run directory a training command means: a new one, or one that goes on."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from seqlab.config.compose import compose
from seqlab.config.errors import Problem, UserError
from seqlab.config.validate import validate
from seqlab.run.processes import RUN_DIR
from seqlab.run.rundir import RunDir, atomic_write, new_run_dir

# What concerns several runs of one command, and none of them.
_OF_SEVERAL = ("select", "n_jobs")
# What may differ when a run goes on; all else would change what it has already computed.
CHANGEABLE = (
    *("trainer", "callbacks", "logger", "threads", "paths", "allow", "choices"),
    *_OF_SEVERAL,
)
NAMES = ("run_dir", "resume")
_LATER = ("init_rescale",)  # what configs of earlier versions lack


@dataclass(frozen=True)
class Opened:
    """A run directory and what is done in it."""

    run_dir: RunDir
    config: DictConfig
    overrides: list[str]
    changed: tuple[str, ...] = ()  # keys of the settings that are others than before

    @property
    def runs_changed(self) -> bool:
        """Whether the run itself goes on with other settings, or each of several runs does."""
        return any(key not in _OF_SEVERAL for key in self.changed)


def open_run(config: DictConfig, overrides: Sequence[str]) -> Opened:
    """Find or make the run directory.

    Args:
        config: of the command.
        overrides: that the config was composed with.

    Raises:
        UserError: the directory holds another run, or settings are changed that must not be.
    """
    if config.resume is not None:
        return _resumed(RunDir(Path(config.resume)), overrides)
    given = config.run_dir or os.environ.get(RUN_DIR)
    if given is None:
        task, model = config.choices.task, config.choices.model
        return Opened(new_run_dir(Path(config.paths.runs), task, model), config, [*overrides])
    run_dir = RunDir(Path(given))
    if not run_dir.config.exists():
        return Opened(run_dir, config, [*overrides])
    before = _kept(run_dir)
    different = differences(before, config)
    if any(not _may_change(key) for key in different):
        raise UserError(
            [
                Problem(
                    key="run_dir",
                    given=given,
                    message="holds a run with other settings: " + ", ".join(different),
                )
            ]
        )
    return Opened(run_dir, config, [*overrides], tuple(different))


def _resumed(run_dir: RunDir, overrides: Sequence[str]) -> Opened:
    """A run that goes on with its own settings and those that are given anew."""
    if not run_dir.config.exists():
        raise UserError(
            [Problem(key="resume", given=str(run_dir.path), message="holds no run: no config.yaml")]
        )
    before = _kept(run_dir)
    saved = run_dir.overrides.read_text().splitlines() if run_dir.overrides.exists() else []
    added = [each for each in overrides if each.partition("=")[0] not in NAMES]
    if not added:
        return Opened(run_dir, before, saved)
    config = compose("train", [*saved, *added])
    different = differences(before, config)
    problems = [
        Problem(
            key=key,
            given=str(OmegaConf.select(config, key)),
            message=f"cannot change when a run goes on; it was {OmegaConf.select(before, key)}",
            allowed=tuple(f"{each}.*" for each in ("trainer", "callbacks", "logger", "paths")),
        )
        for key in different
        if not _may_change(key)
    ]
    started = run_dir.last.exists()  # what it once started from may be gone
    problems += [each for each in validate(config) if not (started and each.key == "init_from")]
    if problems:
        raise UserError(problems)
    return Opened(run_dir, config, [*saved, *added], tuple(different))


def _kept(run_dir: RunDir) -> DictConfig:
    kept = OmegaConf.load(run_dir.config)
    if not isinstance(kept, DictConfig):
        raise UserError([Problem(key=str(run_dir.config), message="is no config: it holds a list")])
    return kept


def _may_change(key: str) -> bool:
    return key.split(".")[0] in CHANGEABLE


def differences(before: DictConfig, now: DictConfig) -> list[str]:
    """Dotted keys whose resolved values differ, where the run is kept left out."""
    first, second = (_flat(OmegaConf.to_container(each, resolve=True)) for each in (before, now))
    keys = dict.fromkeys([*first, *second])
    return [
        key
        for key in keys
        if first.get(key) != second.get(key)
        and key not in NAMES
        and not (key in _LATER and key not in first and not second[key])
        and not (key == "threads" and second.get(key) is None)  # chosen for the run before
    ]


def _flat(node: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(node, dict) or not node:
        return {prefix: node}
    return {
        key: value
        for name, child in node.items()
        for key, value in _flat(child, f"{prefix}.{name}" if prefix else str(name)).items()
    }


def keep_settings(opened: Opened) -> None:
    """Write the resolved config and the overrides into the run directory."""
    opened.run_dir.path.mkdir(parents=True, exist_ok=True)
    atomic_write(opened.run_dir.config, OmegaConf.to_yaml(opened.config, resolve=True))
    atomic_write(opened.run_dir.overrides, "".join(f"{each}\n" for each in opened.overrides))
