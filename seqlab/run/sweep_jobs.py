"""One job of a sweep: its overrides, its directory, how far it is and what came out."""

import csv
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString

from seqlab.run.sweep_space import fingerprint

SEQLAB = (sys.executable, "-m", "seqlab")
COMMAND_MARK = "$ "  # before the command, with which each attempt begins in a job's log


class State(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    PRUNED = "pruned"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Objective:
    """What the jobs are compared by.

    Args:
        metric: name as in metrics.json.
        mode: `max` or `min`.
    """

    metric: str
    mode: str

    def best(self, values: Sequence[float]) -> float | None:
        """The best number; None where there is none."""
        numbers = [value for value in values if not math.isnan(value)]
        if not numbers:
            return None
        return max(numbers) if self.mode == "max" else min(numbers)

    def rank(self, value: float | None) -> float:
        """A key that sorts the best first and what has no value last."""
        if value is None or math.isnan(value):
            return math.inf
        return -value if self.mode == "max" else value


@dataclass
class Job:
    """A training run of a sweep, or of a command that trains several seeds.

    Args:
        overrides: what it is started with, run_dir left out.
        varied: those of its values that differ between the jobs, by key.
        sweep_dir: where the sweep is kept.
        program: what `train` and the overrides are given to.
        name: of its directory; empty for the hash of its overrides.
        changed: whether it goes on with other settings than it was begun with.
    """

    overrides: tuple[str, ...]
    varied: dict[str, str]
    sweep_dir: Path
    program: tuple[str, ...] = SEQLAB
    name: str = ""
    changed: bool = False
    state: State = State.WAITING
    attempts: int = 0
    seconds: float = 0.0
    value: float | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def id(self) -> str:
        """Its name, or the hash of its overrides."""
        return self.name or fingerprint(self.overrides)

    @property
    def directory(self) -> Path:
        """Its run directory."""
        return self.sweep_dir / self.id

    @property
    def log(self) -> Path:
        """What it printed: beside its directory, which the run itself makes."""
        return self.sweep_dir / f"{self.id}.log"

    @property
    def title(self) -> str:
        """What tells it from the other jobs."""
        return " ".join(f"{key}={short(value)}" for key, value in self.varied.items()) or self.id

    def is_done(self) -> bool:
        """Whether the run has ended, in this sweep process or in one before it."""
        return (self.directory / "DONE").exists()

    def command(self, threads: int | None = None) -> list[str]:
        """What starts it, or goes on with it where it has begun.

        Args:
            threads: of torch, where the overrides do not say; a job that goes on keeps its own.
        """
        directory = quote(str(self.directory))
        if (self.directory / "config.yaml").exists() and not self.changed:
            return [*self.program, "train", f"resume={directory}"]
        extra = [] if threads is None or self.sets("threads") else [f"threads={threads}"]
        if self.sets("seeds") or self.sets("restarts"):
            extra.append("n_jobs=1")  # the sweep has shared out the machine
        return [*self.program, "train", *self.overrides, *extra, f"run_dir={directory}"]

    def sets(self, key: str) -> bool:
        """Whether its overrides set a key of the run."""
        return any(text.lstrip("+").startswith(f"{key}=") for text in self.overrides)

    def log_tail(self, lines: int = 15) -> list[str]:
        """The last lines that its last attempt printed."""
        if not self.log.exists():
            return []
        text = self.log.read_text(encoding="utf-8", errors="replace")
        printed = [line for line in text.splitlines() if line.strip()]
        starts = [at for at, line in enumerate(printed) if line.startswith(COMMAND_MARK)]
        return printed[starts[-1] + 1 :][-lines:] if starts else printed[-lines:]

    def read_result(self, objective: Objective) -> None:
        """Take metrics and value from the run's files."""
        path = self.directory / "metrics.json"
        if path.exists():
            self.metrics = json.loads(path.read_text(encoding="utf-8"))
        final = self.metrics.get(objective.metric)
        if isinstance(final, int | float):
            self.value = None if math.isnan(final) else float(final)
        else:
            self.value = objective.best([v for _, v in validations(self, objective.metric)])

    def record(self) -> dict[str, Any]:
        """What the sweep keeps of it, as JSON."""
        return {
            "overrides": list(self.overrides),
            "varied": self.varied,
            "state": str(self.state),
            "value": self.value,
            "seconds": round(self.seconds, 1),
            "attempts": self.attempts,
            "note": self.note,
            "directory": self.directory.name,
        }


def quote(text: str) -> str:
    """A text as a value of Hydra's grammar."""
    if text and all(letter.isalnum() or letter in "_-./" for letter in text):
        return text
    return QuotedString(text=text, quote=Quote.single).with_quotes()


def short(text: str) -> str:
    """A fraction to four digits; any other text as it is."""
    try:
        return text if len(text) <= 6 or text.isdigit() else f"{float(text):.4g}"
    except ValueError:
        return text


def validations(job: Job, metric: str) -> list[tuple[int, float]]:
    """Epoch, counted from 1, and value of each validation so far, from the run's metrics.csv."""
    path = job.directory / "metrics.csv"
    if not path.exists():
        return []
    found = []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row.get(metric) and row.get("epoch"):
                found.append((int(row["epoch"]), float(row[metric])))
    return found
