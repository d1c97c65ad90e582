"""The same run with several seeds: mean and 95 % interval of each metric."""

import math
import signal
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from omegaconf import DictConfig, OmegaConf
from rich.table import Table
from scipy.stats import t as student

from seqlab.run.opening import keep_settings, open_run
from seqlab.run.rundir import RunDir, atomic_write
from seqlab.run.screen import Screen, format_value
from seqlab.run.signals import STOPPING

OWN = ("seed", "seeds", "run_dir", "resume")
INTERRUPTED = 130


class SeedsFailedError(RuntimeError):
    """Some of the runs failed; the others are kept."""


def holds_seeds(directory: str) -> bool:
    """Whether a run directory is one of several seeds."""
    config = RunDir(Path(directory)).config
    if not config.exists():
        return False
    return OmegaConf.select(OmegaConf.load(config), "seeds") is not None


def train_seeds(config: DictConfig, overrides: Sequence[str]) -> dict[str, float]:
    """Run the seeds `seed`, `seed` + 1, ... one after the other, those that are done left out.

    Each is a process of its own with a directory of its own, `seed_N`, so that it can be resumed,
    and so that none sees what another has left in memory.

    Returns:
        Each metric's mean, and half of its 95 % interval as `<metric>_interval95`.

    Raises:
        SeedsFailedError: some of the runs failed.
        KeyboardInterrupt: a signal asked to stop; `resume` goes on.
    """
    opened = open_run(config, overrides)
    screen, run_dir, config = Screen(), opened.run_dir, opened.config
    with run_dir.claimed():
        run_dir.path.mkdir(parents=True, exist_ok=True)
        keep_settings(opened)
        shared = [each for each in opened.overrides if each.partition("=")[0] not in OWN]
        results, failed = {}, []
        for number in range(config.seeds):
            seed = config.seed + number
            child = RunDir(run_dir.path / f"seed_{seed}")
            screen.line(f"seed {seed} ({number + 1} of {config.seeds}): {child.path}")
            done = child.done.exists() and not opened.changed
            if not done and _run_one(child, seed, shared) != 0:
                failed.append(seed)
                continue
            results[seed] = child.read_metrics()
        if failed:
            words = ", ".join(map(str, failed))
            raise SeedsFailedError(
                f"the runs of the seeds {words} failed; their logs are in {run_dir.path}/seed_*/"
                f"train.log; seqlab train resume={run_dir.path} tries them again"
            )
        metrics = summarise(list(results.values()))
        run_dir.write_metrics(metrics)
        atomic_write(run_dir.done, "")
    _show(screen, metrics, len(results))
    screen.line(f"everything is in {run_dir.path}")
    return metrics


def _run_one(child: RunDir, seed: int, overrides: Sequence[str]) -> int:
    """Train one seed in a process of its own; its exit status.

    Raises:
        KeyboardInterrupt: a signal asked to stop; the run has saved and ended.
    """
    own = [*overrides, f"seed={seed}", f"run_dir={child.path}"]
    # Away from the terminal's group, so that the child has each signal once, from here.
    process = subprocess.Popen(
        [sys.executable, "-m", "seqlab", "train", *own], start_new_session=True
    )
    asked = False

    def forward(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        process.send_signal(number)

    before = {number: signal.signal(number, forward) for number in STOPPING}
    try:
        status = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if asked or status == INTERRUPTED:
        raise KeyboardInterrupt
    return status


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
