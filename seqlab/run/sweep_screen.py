"""What a sweep shows: a live line of progress, or plain lines, and a table at the end."""

import shlex
import time
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from seqlab.run.sweep_jobs import Job, Objective, State, short

_STYLES = {
    State.DONE: "green",
    State.PRUNED: "yellow",
    State.FAILED: "bold red",
    State.INTERRUPTED: "yellow",
    State.RUNNING: "cyan",
}
_PLAIN_SECONDS = 30.0  # between two lines of progress where output is no terminal


class Screen:
    """Tells of the jobs as they go.

    Args:
        console: where to.
        log: the file that keeps each line.
        total: number of jobs.
        n_jobs: jobs at once, for the time left.
        objective: what is shown of each.
        shows_progress: whether something is shown while they go; not where they print themselves.
    """

    def __init__(
        self,
        console: Console,
        log: TextIO,
        total: int,
        n_jobs: int,
        objective: Objective,
        shows_progress: bool = True,
    ) -> None:
        self.console, self.total, self.n_jobs = console, total, n_jobs
        self.shows_progress = shows_progress
        self.log = Console(file=log, width=160)
        self.objective = objective
        self.running: list[Job] = []
        self.counts = dict.fromkeys(State, 0)
        self.durations: list[float] = []  # of jobs that ran here to their end
        self.begun = self.last_line = time.monotonic()
        self.live = Live(console=console, get_renderable=self._view, refresh_per_second=2)

    def __enter__(self) -> "Screen":
        if self.console.is_terminal and self.shows_progress:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.live.stop()

    def started(self, job: Job) -> None:
        """A line for a job that starts or goes on."""
        word = "go on with" if (job.directory / "config.yaml").exists() else "start"
        self._line(job, word, "cyan")

    def ended(self, job: Job, skipped: bool) -> None:
        """A line for a job that ended; of one that failed what it said last."""
        self.counts[job.state] += 1
        if job.state is State.DONE and not skipped:
            self.durations.append(job.seconds)
        value = "" if job.value is None else f"  {self.objective.metric} {job.value:.4g}"
        word = "done before, skipped" if skipped else str(job.state)
        spent = "" if skipped else f"  {duration(job.seconds)}"
        self._line(job, word, _STYLES[job.state], value + spent)
        if job.state is State.FAILED:
            self._tail(job)

    def retried(self, job: Job, status: int) -> None:
        """What a job said before it is tried again."""
        self._line(job, f"failed with status {status}, is tried again", "yellow")
        self._tail(job)

    def stopping(self, num_jobs: int) -> None:
        """Why nothing happens after Ctrl-C."""
        if num_jobs:
            plural = "job saves its" if num_jobs == 1 else "jobs save their"
            again = "press Ctrl-C again to end at once"
            self.console.print(f"Stopping: {num_jobs} {plural} state ({again}).")

    def tick(self, running: list[Job]) -> None:
        """Note who runs; now and then a line where there is no live view."""
        self.running = running
        recent = time.monotonic() - self.last_line < _PLAIN_SECONDS
        if self.console.is_terminal or not self.shows_progress or recent:
            return
        self.last_line = time.monotonic()
        self.console.print(self._summary())

    def _line(self, job: Job, word: str, style: str, rest: str = "") -> None:
        ended = sum(self.counts.values())
        clock = time.strftime("%H:%M:%S")
        text = Text.assemble(
            (f"{clock} [{ended}/{self.total}]", "dim"), " ", (word, style), f"  {job.title}{rest}"
        )
        self._print(text)
        self.log.file.flush()

    def _print(self, text: Text) -> None:
        for console in (self.console, self.log):
            console.print(text, soft_wrap=True)

    def _tail(self, job: Job) -> None:
        if not job.log.exists():  # it has printed here
            return
        for line in job.log_tail():
            self._print(Text(f"    | {line}", style="dim"))
        self._print(Text(f"    all of it: {job.log}", style="dim"))

    def _summary(self) -> str:
        parts = [f"{count} {state}" for state, count in self.counts.items() if count]
        parts.append(f"{len(self.running)} running")
        parts.append(f"{duration(time.monotonic() - self.begun)} so far")
        left = self.time_left()
        if left is not None:
            parts.append(f"about {duration(left)} left")
        return f"[{sum(self.counts.values())}/{self.total}] " + ", ".join(parts)

    def time_left(self) -> float | None:
        """Seconds, from the mean of the jobs that have ended; None before the first."""
        if not self.durations:
            return None
        mean = sum(self.durations) / len(self.durations)
        left = self.total - sum(self.counts.values())
        return mean * left / max(1, min(left, self.n_jobs))

    def _view(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        ended = sum(self.counts.values())
        table.add_row(ProgressBar(total=self.total, completed=ended, width=30), self._summary())
        for job in self.running:
            value = "" if job.value is None else f"{self.objective.metric} {job.value:.4g}"
            table.add_row(Text("running", style="cyan"), Text(f"{job.title}  {value}"))
        return table


def duration(seconds: float) -> str:
    """Seconds as a person reads them: 48s, 3m20s, 2h05m."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest}s"
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours}h{minutes_left:02d}m" if hours else f"{minutes}m{rest:02d}s"


def ranked(jobs: Sequence[Job], objective: Objective) -> list[Job]:
    """Jobs that are done, best first; then pruned ones, then all others."""
    order = [State.DONE, State.PRUNED]
    return sorted(
        jobs,
        key=lambda job: (
            order.index(job.state) if job.state in order else len(order),
            objective.rank(job.value),
        ),
    )


def results_table(jobs: Sequence[Job], objective: Objective) -> Table:
    """One row per job, in the order given."""
    table = Table(title=f"{objective.metric}, best first", title_justify="left")
    table.add_column("", justify="right", style="dim")
    table.add_column(objective.metric, justify="right", style="bold", overflow="fold")
    keys = list(dict.fromkeys(key for job in jobs for key in job.varied))
    for key in keys:
        table.add_column(key.lstrip("+"), overflow="fold")
    table.add_column("time", justify="right")
    table.add_column("state")
    table.add_column("directory", overflow="fold", style="dim")
    for place, job in enumerate(jobs, start=1):
        table.add_row(
            str(place),
            "" if job.value is None else f"{job.value:.4g}",
            *(escape(short(job.varied.get(key, ""))) for key in keys),
            duration(job.seconds) if job.seconds else "",
            Text(str(job.state), style=_STYLES.get(job.state, "")),
            job.id,
        )
    return table


def command(job: Job) -> str:
    """The shell command that trains a job's model anew."""
    return shlex.join(["seqlab", "train", *job.overrides])
