"""The same run with several seeds: mean and 95 % interval of each metric."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig
from rich.table import Table
from scipy.stats import t as student

from seqlab.run.opening import open_run
from seqlab.run.rundir import atomic_write
from seqlab.run.screen import Screen, format_value
from seqlab.run.seed_runs import train_all
from seqlab.run.sweep_jobs import State


class SeedsFailedError(RuntimeError):
    """Some of the runs failed; the others are kept."""


def train_seeds(config: DictConfig, overrides: Sequence[str]) -> dict[str, float]:
    """Run the seeds `seed`, `seed` + 1, ..., those that are done left out.

    `n_jobs` go on at once, each in a directory of its own, `seed_N`.

    Returns:
        Each metric's mean, and half of its 95 % interval as `<metric>_interval95`.

    Raises:
        SeedsFailedError: some of the runs failed.
        KeyboardInterrupt: a signal asked to stop; `resume` goes on.
    """
    opened = open_run(config, overrides)
    screen, run_dir = Screen(), opened.run_dir
    with run_dir.claimed():
        jobs = train_all(opened, screen, "seed", opened.config.seeds)
        failed = [job.varied["seed"] for job in jobs if job.state is State.FAILED]
        if failed:
            raise SeedsFailedError(
                f"the runs of the seeds {', '.join(failed)} failed; their logs are in "
                f"{run_dir.path}/seed_*/train.log; seqlab train resume={run_dir.path} tries them "
                "again"
            )
        metrics = summarise([job.metrics for job in jobs])
        run_dir.write_metrics(metrics)
        atomic_write(run_dir.done, "")
    _show(screen, metrics, len(jobs))
    screen.line(f"everything is in {run_dir.path}")
    return metrics


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Means and halves of the 95 % intervals, by Student's t, of metrics that all runs have.

    Args:
        results: metrics of each run; signatures are left out.
    """
    metrics: dict[str, float] = {"num_seeds": len(results)}
    for name in results[0] if results else ():
        values = [run.get(name) for run in results]
        numbers = [float(v) for v in values if isinstance(v, int | float)]
        if "/" not in name or len(numbers) < len(results):
            continue
        metrics[name] = statistics.fmean(numbers)
        if len(numbers) > 1:
            error = statistics.stdev(numbers) / math.sqrt(len(numbers))
            quantile = float(student.ppf(0.975, df=len(numbers) - 1))
            metrics[f"{name}_interval95"] = quantile * error
    return metrics


def _show(screen: Screen, metrics: Mapping[str, float], count: int) -> None:
    table = Table(title=f"{count} seeds", title_justify="left")
    for name in ("metric", "mean", "95 % interval"):
        table.add_column(name, justify="left" if name == "metric" else "right")
    for name, mean in metrics.items():
        if "/" in name and not name.endswith("_interval95"):
            half = metrics.get(f"{name}_interval95")
            table.add_row(
                name, format_value(mean), "" if half is None else f"± {format_value(half)}"
            )
    screen.console.print(table)
