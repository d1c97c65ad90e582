"""Many training runs from one command: all combinations, or a search that stops bad trials."""

import contextlib
import json
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from omegaconf import DictConfig
from rich.console import Console

from seqlab.config import catalog
from seqlab.config.build import build, locate
from seqlab.config.compose import compose
from seqlab.config.errors import Problem, UserError
from seqlab.config.validate import validate
from seqlab.run.launchers import Launcher
from seqlab.run.rundir import RunDir, RunDirInUseError, atomic_write
from seqlab.run.sweep_jobs import SEQLAB, Job, Objective, State
from seqlab.run.sweep_results import show_results, write_results
from seqlab.run.sweep_runner import Runner
from seqlab.run.sweep_screen import Screen
from seqlab.run.sweep_search import GridSweep, OptunaSweep
from seqlab.run.sweep_space import Space, fingerprint, split

_FEW_JOBS = 64  # so many are all composed before the first starts


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


def sweep(overrides: Sequence[str]) -> int:
    """Run a sweep, or go on with it where the same command was stopped.

    Args:
        overrides: the command line; `a=1,2`, `a=choice(..)`, `a=range(..)`, `a=interval(..)` and
            `a=glob(..)` vary, `sweep...`, `launcher...`, `sweep_dir` and `n_jobs` are the sweep's
            own, all others are every job's.

    Returns:
        The exit status: 0 where all jobs are done or pruned, 1 where some failed, 130 where the
        sweep was interrupted.

    Raises:
        UserError: all that is wrong with any job, before the first starts.
    """
    return run_plan(make_plan(overrides), _console())


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
        launcher=build(own_config.launcher, n_jobs=own_config.n_jobs, sweep_dir=directory),
        n_jobs=own_config.n_jobs,
        objective=objective,
        max_epochs=int(configs[0].trainer.get("max_epochs") or -1),
        directory=directory,
    )


def run_plan(plan: Plan, console: Console, poll_seconds: float = 0.5) -> int:
    """Run the jobs of a plan and write what came out.

    Raises:
        UserError: another process runs this sweep, or the jobs lack its metric.
    """
    with (
        _alone(plan.directory),
        _signals_as_ctrl_c(),
        (plan.directory / "sweep.log").open("a") as log,
    ):
        jobs: dict[str, Job] = {}
        seconds = _seconds_before(plan.directory)

        def make_job(choice: Mapping[str, str]) -> Job:
            overrides = plan.space.overrides(choice)
            job = Job(overrides, dict(choice), plan.directory, plan.program)
            job.seconds = seconds.get(job.id, 0.0)
            return jobs.setdefault(job.id, job)

        search = plan.settings.search(
            plan.space, make_job, plan.objective, plan.directory, plan.max_epochs
        )
        console.print(f"Sweep of {search.total} jobs in {plan.directory}", soft_wrap=True)
        save = _saver(plan, jobs)
        save()
        with Screen(console, log, search.total, plan.n_jobs, plan.objective) as screen:
            ended = Runner(
                search=search,
                launcher=plan.launcher,
                objective=plan.objective,
                n_jobs=plan.n_jobs,
                retries=plan.settings.retries,
                watcher=screen,
                save=save,
                poll_seconds=poll_seconds,
            ).run()
        write_results(plan.directory, list(jobs.values()), plan.objective)
        show_results(console, plan.directory, list(jobs.values()), plan.objective)
    if not ended:
        console.print(f"Stopped. The same command goes on:\n  {plan.command}", soft_wrap=True)
        return 130
    return 1 if any(job.state is State.FAILED for job in jobs.values()) else 0


def _check_jobs(space: Space, problems: Sequence[Problem]) -> list[DictConfig]:
    """The composed configs of the corners of the space.

    Raises:
        UserError: the problems given and those of the jobs, each once.
    """
    choices = space.corners(_is_group, _FEW_JOBS)
    configs: list[DictConfig] = []
    found: dict[Problem, list[str]] = {}
    for choice in choices:
        title = " ".join(f"{key}={value}" for key, value in choice.items())
        try:
            config = compose("train", list(space.overrides(choice)))
            wrong = validate(config)
            configs.append(config)
        except UserError as error:
            wrong = list(error.problems)
        for problem in wrong:
            found.setdefault(problem, []).append(title)
    everywhere = len(choices)
    located = [
        problem
        if len(titles) == everywhere
        else replace(problem, message=f"{problem.message}; with {titles[0]}")
        for problem, titles in found.items()
    ]
    if problems or located:
        raise UserError([*problems, *located])
    return configs


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


def _seconds_before(directory: Path) -> dict[str, float]:
    """Time that earlier processes of the sweep have spent on each job."""
    path = directory / "sweep.json"
    if not path.exists():
        return {}
    records = json.loads(path.read_text(encoding="utf-8"))["jobs"]
    return {job_id: float(record["seconds"]) for job_id, record in records.items()}


def _saver(plan: Plan, jobs: Mapping[str, Job]) -> Any:
    """What writes sweep.json: all that is known of the sweep."""

    def save() -> None:
        content = {
            "command": plan.command,
            "identity": plan.settings.identity(plan.space),
            "metric": plan.objective.metric,
            "mode": plan.objective.mode,
            "jobs": {job.id: job.record() for job in jobs.values()},
        }
        text = json.dumps(content, indent=1, ensure_ascii=False)
        atomic_write(plan.directory / "sweep.json", text + "\n")

    return save


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Two processes must not start the same jobs."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(RunDir(directory).claimed())
        except RunDirInUseError as error:
            message = "is being run by another process"
            raise UserError([Problem(key=str(directory), message=f"{message}: {error}")]) from error
        yield


@contextlib.contextmanager
def _signals_as_ctrl_c() -> Iterator[None]:
    """SIGTERM and a closed terminal stop the jobs as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    kinds = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(kind, interrupt) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


def _console() -> Console:
    """Wide where it is no terminal, so that a table in a log is not folded."""
    return Console() if sys.stdout.isatty() else Console(width=160)
