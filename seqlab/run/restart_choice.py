"""Which of several restarts is kept, and how far they lie apart."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from seqlab.config.errors import Problem, UserError
from seqlab.run.loggers import read_rows
from seqlab.run.rundir import RunDir
from seqlab.run.sweep_jobs import Job, Objective, State

TRAINING_LOSS = Objective("train/loss", "min")


class RestartsFailedError(RuntimeError):
    """All of the restarts failed, so that there is none to keep."""


@dataclass(frozen=True)
class Choice:
    """The restarts and the best of them.

    Args:
        select: by which split it was chosen, `val` or `train`.
        objective: by which of its metrics.
        monitored: by which metric each restart has chosen its best checkpoint.
        jobs: all restarts, in the order of their seeds.
        values: of the objective, by name of the restart; None for those without a number.
        winner: the best.
    """

    select: str
    objective: Objective
    monitored: Objective
    jobs: tuple[Job, ...]
    values: dict[str, float | None]
    winner: Job

    @property
    def done(self) -> list[Job]:
        """The restarts that came to their end."""
        return [job for job in self.jobs if job.state is State.DONE]

    @property
    def failed(self) -> list[Job]:
        """The others."""
        return [job for job in self.jobs if job.state is not State.DONE]

    @property
    def measures(self) -> list[str]:
        """What is worth seeing of each: what it was chosen by, then its test, the likest first."""
        likest = f"test/{self.monitored.metric.partition('/')[2]}"
        tested = [name for name in self.spread() if name.startswith("test/")]
        tested.sort(key=lambda name: name != likest)
        return list(dict.fromkeys([self.objective.metric, self.monitored.metric, *tested]))

    def value(self, job: Job, name: str) -> float | None:
        """A metric of a restart, or what it was chosen by; None where it has no number."""
        if name == self.objective.metric:
            return self.values.get(job.id)
        return _number(job.metrics.get(name))

    def spread(self) -> dict[str, dict[str, float]]:
        """How far each metric that all restarts have as a number lies apart."""
        names = [self.objective.metric, *(name for name in self.winner.metrics if "/" in name)]
        found = {}
        for name in dict.fromkeys(names):
            values = [self.value(job, name) for job in self.done]
            numbers = [value for value in values if value is not None]
            if len(numbers) == len(values):
                found[name] = _spread(numbers)
        return found

    def record(self) -> dict[str, Any]:
        """What is kept of it, as JSON."""
        return {
            "select": self.select,
            "metric": self.objective.metric,
            "mode": self.objective.mode,
            "winner": self.winner.id,
            "restarts": [
                {
                    "directory": job.id,
                    "seed": int(job.varied["seed"]),
                    "state": str(job.state),
                    "value": self.values.get(job.id),
                    "note": job.note,
                    "metrics": job.metrics,
                }
                for job in self.jobs
            ],
            "spread": self.spread(),
        }


def choose(jobs: Sequence[Job], select: str, monitored: Objective) -> Choice:
    """The best of the restarts that are done; of equal ones the first.

    Args:
        jobs: the restarts, done or failed, with their metrics.
        select: `val`, the monitored metric at a restart's best checkpoint, or `train`, the mean of
            the training loss over what was logged of the last epoch.
        monitored: the metric by which the task tells checkpoints apart.

    Raises:
        RestartsFailedError: none is done.
        UserError: none that is done has a number to be chosen by.
    """
    done = [job for job in jobs if job.state is State.DONE]
    if not done:
        folder = jobs[0].sweep_dir
        raise RestartsFailedError(
            f"all {len(jobs)} restarts failed; their logs are in {folder}/restart_*/train.log; "
            f"seqlab train resume={folder} tries them again"
        )
    objective = monitored if select == "val" else TRAINING_LOSS
    values = {job.id: _selection(job, select) for job in done}
    winner = min(done, key=lambda job: objective.rank(values[job.id]))
    if values[winner.id] is None:
        message = f"no restart has a number for {objective.metric}, so that none is the best"
        raise UserError([Problem(key="select", given=select, message=message)])
    return Choice(select, objective, monitored, tuple(jobs), values, winner)


def _selection(job: Job, select: str) -> float | None:
    """What a restart is compared by."""
    if select == "val":
        return _number(job.value)
    return last_training_loss(read_rows(RunDir(job.directory).metrics_csv))


def last_training_loss(rows: Sequence[dict[str, str]]) -> float | None:
    """Mean of the training loss over the rows of the last epoch; a single batch says little.

    Args:
        rows: of a metrics.csv.
    """
    name = TRAINING_LOSS.metric
    logged = [(row["epoch"], float(row[name])) for row in rows if name in row]
    losses = [loss for epoch, loss in logged if epoch == logged[-1][0]]
    return _number(statistics.fmean(losses)) if losses else None


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _spread(values: Iterable[float]) -> dict[str, float]:
    numbers = sorted(values)
    found = {
        "min": numbers[0],
        "median": statistics.median(numbers),
        "max": numbers[-1],
        "mean": statistics.fmean(numbers),
    }
    if len(numbers) > 1:
        found["deviation"] = statistics.stdev(numbers)
    return found
