"""Many training runs from one command: all combinations, or a search that stops bad trials."""

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from seqlab.config.errors import Problem, UserError
from seqlab.run.rundir import RunDir, RunDirInUseError, atomic_write
from seqlab.run.signals import signals_as_ctrl_c
from seqlab.run.sweep_jobs import Job, State
from seqlab.run.sweep_plan import Plan, make_plan
from seqlab.run.sweep_results import show_results, write_results
from seqlab.run.sweep_runner import Runner
from seqlab.run.sweep_screen import Screen


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
    console = _console()
    with console.status("Checking the jobs"):
        plan = make_plan(overrides)
    return run_plan(plan, console)


def run_plan(plan: Plan, console: Console, poll_seconds: float = 0.5) -> int:
    """Run the jobs of a plan and write what came out.

    Raises:
        UserError: another process runs this sweep, or the jobs lack its metric.
    """
    with (
        _alone(plan.directory),
        signals_as_ctrl_c(),
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


def _console() -> Console:
    """Wide where it is no terminal, so that a table in a log is not folded."""
    return Console() if sys.stdout.isatty() else Console(width=160)
