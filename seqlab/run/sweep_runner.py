"""The loop of a sweep: start jobs, watch them, prune, retry, and stop them all when interrupted."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from seqlab.config.errors import Problem, UserError, nearest
from seqlab.run.launchers import Handle, Launcher
from seqlab.run.sweep_jobs import Job, Objective, State, validations
from seqlab.run.sweep_search import Search

_USER_ERROR = 2  # a config or data that a second attempt would not mend


class Watcher(Protocol):
    """What is told of the jobs as they go."""

    def started(self, job: Job) -> None:
        """A job has been started."""

    def ended(self, job: Job, skipped: bool) -> None:
        """A job is done, pruned, failed or interrupted; skipped where an earlier process did it."""

    def retried(self, job: Job, status: int) -> None:
        """A job has failed and will be started again."""

    def stopping(self, num_jobs: int) -> None:
        """The sweep was interrupted and waits for its jobs to save."""

    def tick(self, running: list[Job]) -> None:
        """Time has passed."""


@dataclass
class Active:
    """A job at work."""

    job: Job
    handle: Handle
    slot: int
    since: float
    seen: set[int]  # epochs whose validation was reported
    pruned_at: float | None = None


class Runner:
    """Runs the jobs of a search.

    Args:
        search: which job comes next.
        launcher: where it runs.
        objective: what is read from its validations.
        n_jobs: jobs at once.
        retries: how often a job that failed is started again.
        watcher: the screen.
        save: called after each change, so that a killed sweep loses nothing.
        metric_key: the setting that names the metric, for jobs that lack it; None where they may.
        poll_seconds: between two looks at the jobs.
        grace_seconds: for a job that was asked to end, before it is killed.
    """

    def __init__(
        self,
        *,
        search: Search,
        launcher: Launcher,
        objective: Objective,
        n_jobs: int,
        retries: int,
        watcher: Watcher,
        save: Callable[[], None],
        metric_key: str | None = "sweep.metric",
        poll_seconds: float = 0.5,
        grace_seconds: float = 60.0,
    ) -> None:
        self.search, self.launcher, self.objective = search, launcher, objective
        self.n_jobs, self.retries = n_jobs, retries
        self.watcher, self.save, self.metric_key = watcher, save, metric_key
        self.poll_seconds, self.grace_seconds = poll_seconds, grace_seconds
        self.active: list[Active] = []

    def run(self) -> bool:
        """Run until no job is left; False where the sweep was interrupted."""
        try:
            while True:
                self._fill()
                if not self.active:
                    return True
                for active in list(self.active):
                    self._look(active)
                self.watcher.tick([active.job for active in self.active])
                time.sleep(self.poll_seconds)
        except KeyboardInterrupt:
            self._stop_all()
            return False
        except BaseException:
            self._stop_all()
            raise

    def _fill(self) -> None:
        """Start jobs while there are places and jobs."""
        while len(self.active) < self.n_jobs:
            job = self.search.ask()
            if job is None:
                return
            if job.is_done():
                self._end(job, State.DONE, skipped=True)
            else:
                taken = {active.slot for active in self.active}
                self._start(job, min(set(range(self.n_jobs)) - taken))

    def _start(self, job: Job, slot: int, seen: set[int] | None = None) -> None:
        job.attempts += 1
        job.state = State.RUNNING
        handle = self.launcher.start(job, slot)
        self.active.append(Active(job, handle, slot, time.monotonic(), seen or set()))
        self.save()
        self.watcher.started(job)

    def _look(self, active: Active) -> None:
        """See how far a job is."""
        status = active.handle.poll()
        self._read_validations(active)
        if status is None:
            self._end_if_pruned(active)
            return
        self._leave(active)
        job = active.job
        if job.is_done():
            self._end(job, State.DONE)
        elif active.pruned_at is not None:
            self._end(job, State.PRUNED)
        elif status != _USER_ERROR and job.attempts <= self.retries:
            self.watcher.retried(job, status)
            self._start(job, active.slot, active.seen)
        else:
            job.note = f"exit status {status}"
            self._end(job, State.FAILED)

    def _read_validations(self, active: Active) -> None:
        """Hand new validations to the search."""
        for epoch, value in validations(active.job, self.objective.metric):
            if epoch in active.seen:
                continue
            active.seen.add(epoch)
            before = [] if active.job.value is None else [active.job.value]
            active.job.value = self.objective.best([*before, value])
            if self.search.report(active.job, epoch, value) and active.pruned_at is None:
                active.pruned_at = time.monotonic()
                active.handle.stop()

    def _end_if_pruned(self, active: Active) -> None:
        """A pruned job that does not end by itself is ended."""
        if active.pruned_at and time.monotonic() - active.pruned_at > self.grace_seconds:
            active.handle.kill()

    def _leave(self, active: Active) -> None:
        active.job.seconds += time.monotonic() - active.since
        self.active.remove(active)

    def _end(self, job: Job, state: State, skipped: bool = False) -> None:
        job.state = state
        if state is not State.FAILED:
            job.read_result(self.objective)
        if state is State.DONE and job.value is None:
            job.note = f"{self.objective.metric} is no number"
        self.search.tell(job)
        self.save()
        self.watcher.ended(job, skipped)
        unknown = job.value is None and self.objective.metric not in job.metrics
        if self.metric_key is not None and state is State.DONE and unknown:
            raise UserError([self._unknown_metric(job, self.metric_key)])

    def _unknown_metric(self, job: Job, key: str) -> Problem:
        names = [name for name, value in job.metrics.items() if isinstance(value, int | float)]
        return Problem(
            key=key,
            message="the jobs do not have this metric",
            given=self.objective.metric,
            allowed=tuple(names),
            nearest=nearest(self.objective.metric, names),
        )

    def _stop_all(self) -> None:
        """Let all jobs save a checkpoint; a second Ctrl-C ends them at once."""
        self.watcher.stopping(len(self.active))
        try:
            for active in self.active:
                active.handle.stop()
            end = time.monotonic() + self.grace_seconds
            while time.monotonic() < end and any(a.handle.poll() is None for a in self.active):
                self.watcher.tick([active.job for active in self.active])
                time.sleep(self.poll_seconds)
        except KeyboardInterrupt:
            pass
        for active in list(self.active):
            if active.handle.poll() is None:
                active.handle.kill()
            self._leave(active)
            # It may have come to its end in the meantime.
            if active.job.is_done():
                self._end(active.job, State.DONE)
            else:
                active.job.state = State.INTERRUPTED
                self.watcher.ended(active.job, skipped=False)
        self.save()
