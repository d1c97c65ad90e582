"""The same run from several random beginnings, of which the best is kept."""

import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.table import Table
from rich.text import Text

from seqlab.config.build import locate
from seqlab.run.opening import open_run
from seqlab.run.outcome import numbers
from seqlab.run.restart_choice import Choice, choose
from seqlab.run.rundir import RunDir, atomic_file, atomic_write
from seqlab.run.screen import Screen, format_seconds, format_value
from seqlab.run.seed_runs import monitored, train_all

_MEASURES_SHOWN = 4  # of each restart; all of them are in the table of how far they lie apart
_MEASURES_DRAWN = 3


def train_restarts(config: DictConfig, overrides: Sequence[str]) -> dict[str, float]:
    """Train from the seeds `seed`, `seed` + 1, ..., and keep the best run.

    `n_jobs` go on at once, each in a directory of its own, `restart_N`. The directory that holds
    them becomes that of the best: its checkpoints, metrics, predictions and figures, and beside
    them restarts.json, which says how far the restarts lie apart. The test split has no part in
    the choice. Restarts that failed, as by a loss that is no number, are named and left out.

    Returns:
        The metrics of the best, with its `seed`, `num_restarts` and `num_failed_restarts`.

    Raises:
        RestartsFailedError: all of them failed.
        UserError: no restart has a number to be chosen by.
        KeyboardInterrupt: a signal asked to stop; `resume` goes on.
    """
    began = time.monotonic()
    opened = open_run(config, overrides)
    screen, run_dir, config = Screen(), opened.run_dir, opened.config
    if run_dir.done.exists() and not opened.changed:
        screen.line(f"{run_dir.path} is done; its metrics are in {run_dir.metrics}")
        return numbers(run_dir.read_metrics())
    with run_dir.claimed():
        metric_key = "select" if config.select == "val" else None
        jobs = train_all(opened, screen, "restart", config.restarts, metric_key)
        choice = choose(jobs, config.select, monitored(config))
        metrics = keep(choice, run_dir)
        _draw(choice, run_dir.figures / "restarts.png")
        spent = format_seconds(time.monotonic() - began)
        atomic_write(run_dir.done, f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {spent}\n")
    _show(screen, choice)
    screen.line(f"done in {spent}; everything is in {run_dir.path}")
    task = locate(config.task._target_, config.get("allow") or ())
    screen.what_next(run_dir.path, task.example_input)
    return numbers(metrics)


def keep(choice: Choice, run_dir: RunDir) -> dict[str, Any]:
    """Make a directory that of the best restart; its metrics.

    Args:
        choice: the restarts and the best of them.
        run_dir: what holds them; its config stays, and says in a comment which one was kept.
    """
    best = RunDir(choice.winner.directory)
    run_dir.create()
    for source, target in ((best.best, run_dir.best), (best.last, run_dir.last)):
        _link(source, target)
    for folder in (best.predictions, best.figures):
        for source in sorted(path for path in folder.rglob("*") if path.is_file()):
            _copy(source, run_dir.path / source.relative_to(best.path))
    _copy(best.environment, run_dir.environment)
    _copy(best.metrics_csv, run_dir.metrics_csv)
    record = json.dumps(choice.record(), indent=1, ensure_ascii=False)
    atomic_write(run_dir.path / "restarts.json", record + "\n")
    seed = choice.winner.varied["seed"]
    comment = f"# kept of {len(choice.jobs)} restarts: {choice.winner.id}, of seed {seed}\n"
    atomic_write(run_dir.config, comment + run_dir.config.read_text())
    metrics = {
        **choice.winner.metrics,
        "seed": int(seed),
        "num_restarts": len(choice.jobs),
        "num_failed_restarts": len(choice.failed),
    }
    run_dir.write_metrics(metrics)
    return metrics


def _link(source: Path, target: Path) -> None:
    """Give a file a second name, which takes no room; copy it where the disk knows no such thing.

    A checkpoint is replaced, never written again, so that neither name changes the other's file.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        temporary.hardlink_to(source)
        temporary.replace(target)
    except OSError:
        _copy(source, target)
    finally:
        temporary.unlink(missing_ok=True)  # two names of one file are not renamed to one


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as read, atomic_file(target) as written:
        shutil.copyfileobj(read, written)


def _draw(choice: Choice, path: Path) -> None:
    from seqlab.viz.restarts import restarts_figure  # matplotlib takes its time

    done = choice.done
    names = choice.measures[:_MEASURES_DRAWN]
    values = {name: [choice.value(job, name) for job in done] for name in names}
    seeds = [int(job.varied["seed"]) for job in done]
    restarts_figure(seeds, values, done.index(choice.winner), path)


def _show(screen: Screen, choice: Choice) -> None:
    """A table of the restarts, one of how far they lie apart, and a line for each that failed."""
    names = choice.measures[:_MEASURES_SHOWN]
    table = Table(title=f"{len(choice.jobs)} restarts", title_justify="left")
    for name in ("seed", *names):
        table.add_column(Text(name), justify="right", overflow="fold")
    table.add_column("")
    for job in choice.done:
        kept = job is choice.winner
        shown = [choice.value(job, name) for name in names]
        cells = ["" if value is None else format_value(value) for value in shown]
        style = "bold" if kept else ""
        table.add_row(job.varied["seed"], *cells, "kept" if kept else "", style=style)
    for job in choice.failed:
        table.add_row(job.varied["seed"], *("" for _ in names), "failed", style="red")
    screen.console.print(table)
    for job in choice.failed:
        log = RunDir(job.directory).log
        screen.line(f"{job.id} failed ({job.note}); its log is {log}", style="red")
    if len(choice.done) > 1:
        screen.console.print(_spread_table(choice))
    value = format_value(choice.values[choice.winner.id])
    screen.line(
        f"{choice.winner.id} is kept for its {choice.objective.metric} of {value}; the test split "
        "had no part in the choice"
    )


def _spread_table(choice: Choice) -> Table:
    table = Table(title=f"the {len(choice.done)} that are done", title_justify="left")
    columns = ("min", "median", "max")
    for name in ("metric", "kept", *columns):
        table.add_column(name, justify="left" if name == "metric" else "right")
    for name, spread in choice.spread().items():
        kept = choice.value(choice.winner, name)
        table.add_row(Text(name), *map(format_value, (kept, *(spread[c] for c in columns))))
    return table
