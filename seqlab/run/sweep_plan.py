"""A sweep before it runs: its command line read, and every job it may start checked."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from omegaconf import DictConfig

from seqlab.config import catalog
from seqlab.config.build import build, locate
from seqlab.config.compose import compose
from seqlab.config.errors import Problem, UserError
from seqlab.config.validate import validate
from seqlab.run.launchers import Launcher
from seqlab.run.sweep_jobs import SEQLAB, Objective
from seqlab.run.sweep_search import GridSweep, OptunaSweep
from seqlab.run.sweep_space import Space, fingerprint, split

_FEW_JOBS = 32  # so many are all composed before the first starts


@dataclass(frozen=True)
class Plan:
    """A sweep that has been checked.

    Args:
        command: what the user typed.
        space: what the jobs range over.
        settings: the search.
        launcher: where jobs run.
        n_jobs: jobs at once.
        objective: what they are compared by.
        max_epochs: of a job; -1 where it is not limited by epochs.
        directory: where the sweep is kept.
        program: what `train` and a job's overrides are given to.
    """

    command: str
    space: Space
    settings: GridSweep | OptunaSweep
    launcher: Launcher
    n_jobs: int
    objective: Objective
    max_epochs: int
    directory: Path
    program: tuple[str, ...] = SEQLAB


def make_plan(overrides: Sequence[str]) -> Plan:
    """Read and check a command line.

    Raises:
        UserError: all that is wrong with any job.
    """
    space, own = split(overrides, catalog.names)
    paths = [part for part in space.parts if isinstance(part, str) and part.startswith("paths.")]
    own_config = compose("sweep", [*own, *paths])
    problems = validate(own_config)
    if problems:
        raise UserError(problems)
    settings: GridSweep | OptunaSweep = build(own_config.sweep)
    configs = _check_jobs(space, settings.problems(space))
    objective = _objective(settings, configs)
    directory = _directory(own_config, settings, space, configs)
    _refuse_other_sweep(directory, settings.identity(space))
    return Plan(
        command=shlex.join(["seqlab", "sweep", *overrides]),
        space=space,
        settings=settings,
        launcher=build(
            own_config.launcher, n_jobs=own_config.n_jobs, in_view=False, sweep_dir=directory
        ),
        n_jobs=own_config.n_jobs,
        objective=objective,
        max_epochs=int(configs[0].trainer.get("max_epochs") or -1),
        directory=directory,
    )


def _check_jobs(space: Space, problems: Sequence[Problem]) -> list[DictConfig]:
    """The composed configs of the corners of the space.

    Raises:
        UserError: the problems given and those of the jobs, each once.
    """
    choices = space.corners(_is_group, _FEW_JOBS)
    configs: list[DictConfig] = []
    found: dict[Problem, list[dict[str, str]]] = {}
    for choice in choices:
        try:
            config = compose("train", list(space.overrides(choice)))
            wrong = validate(config)
            configs.append(config)
        except UserError as error:
            wrong = list(error.problems)
        for problem in wrong:
            found.setdefault(problem, []).append(choice)
    located = [_located(problem, where, choices) for problem, where in found.items()]
    if problems or located:
        raise UserError([*problems, *located])
    return configs


def _located(
    problem: Problem, where: Sequence[dict[str, str]], choices: Sequence[dict[str, str]]
) -> Problem:
    """The problem with the choice that leads to it, where that is not plain from its key."""
    if len(where) == len(choices):
        return problem
    blamed = " ".join(f"{key}={value}" for key, value in where[0].items())
    for key, value in where[0].items():
        if (
            sum(choice[key] == value for choice in choices)
            == len(where)
            == sum(choice[key] == value for choice in where)
        ):
            if key.lstrip("+") == problem.key:
                return problem
            blamed = f"{key}={value}"
    return replace(problem, message=f"{problem.message}; with {blamed}")


def _is_group(key: str) -> bool:
    group = key.lstrip("+").partition("@")[0]
    # `score` of attention/score may be given by its last word.
    return any(name == group or name.endswith(f"/{group}") for name in catalog.groups())


def _objective(settings: GridSweep | OptunaSweep, configs: Sequence[DictConfig]) -> Objective:
    """The metric named, else the one that the tasks of all jobs monitor."""
    tasks = [locate(config.task["_target_"], config.allow) for config in configs]
    monitored = {(str(task.monitor), str(task.mode)) for task in tasks}
    if settings.metric is None:
        if len(monitored) > 1:
            names = tuple(sorted(metric for metric, _ in monitored))
            message = "the jobs monitor different metrics: name the one to compare them by"
            raise UserError([Problem(key="sweep.metric", message=message, allowed=names)])
        metric, mode = next(iter(monitored))
        return Objective(metric, settings.mode or mode)
    known = dict(monitored)
    if settings.mode is None and settings.metric not in known:
        message = f"is larger {settings.metric} better, or smaller?"
        raise UserError([Problem(key="sweep.mode", message=message, allowed=("max", "min"))])
    return Objective(settings.metric, settings.mode or known[settings.metric])


def _directory(
    own: DictConfig,
    settings: GridSweep | OptunaSweep,
    space: Space,
    configs: Sequence[DictConfig],
) -> Path:
    """runs/<task>/<model>/<name>; `sweep` stands for what varies."""
    if own.sweep_dir is not None:
        return Path(own.sweep_dir).absolute()
    name = settings.name or fingerprint([*space.texts, settings.identity(space)])
    folders = []
    for group in ("task", "model"):
        names = {str(config.choices[group]) for config in configs}
        folders.append(names.pop() if len(names) == 1 else "sweep")
    return Path(own.paths.runs, *folders, name).absolute()


def _refuse_other_sweep(directory: Path, identity: str) -> None:
    path = directory / "sweep.json"
    if not path.exists():
        return
    known = json.loads(path.read_text(encoding="utf-8"))
    if known["identity"] != identity:
        message = f"holds another sweep ({known['command']}); choose another name"
        raise UserError([Problem(key=str(directory), message=message)])
