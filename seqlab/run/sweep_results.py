"""What a sweep leaves: a table on the screen, sweep_results.json and sweep_results.csv."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from seqlab.run.rundir import atomic_write
from seqlab.run.sweep_jobs import Job, Objective, State
from seqlab.run.sweep_screen import command, ranked, results_table


def write_results(directory: Path, jobs: Sequence[Job], objective: Objective) -> None:
    """Write both files, best job first, and the figure where there is something to see."""
    order = ranked(jobs, objective)
    content = {
        "metric": objective.metric,
        "mode": objective.mode,
        "jobs": [{**job.record(), "metrics": job.metrics} for job in order],
    }
    text = json.dumps(content, indent=1, ensure_ascii=False)
    atomic_write(directory / "sweep_results.json", text + "\n")
    keys = list(dict.fromkeys(key for job in order for key in job.varied))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["rank", objective.metric, *keys, "seconds", "state", "directory"])
    for place, job in enumerate(order, start=1):
        value = "" if job.value is None else repr(job.value)
        varied = [job.varied.get(key, "") for key in keys]
        writer.writerow([place, value, *varied, round(job.seconds, 1), job.state, job.id])
    atomic_write(directory / "sweep_results.csv", table.getvalue())
    _draw(directory / "sweep.png", order, objective)


def _draw(path: Path, order: Sequence[Job], objective: Objective) -> None:
    scores = {job.id: job.value for job in order if job.value is not None}
    drawn = [job for job in order if job.id in scores]
    keys = list(dict.fromkeys(key for job in drawn for key in job.varied))
    settings = {key: [job.varied.get(key, "") for job in drawn] for key in keys}
    settings = {key: values for key, values in settings.items() if len(set(values)) > 1}
    if not settings:
        return
    from seqlab.viz.sweeps import sweep_figure  # matplotlib takes its time

    sweep_figure(settings, list(scores.values()), objective.metric, path)


def show_results(
    console: Console, directory: Path, jobs: Sequence[Job], objective: Objective
) -> None:
    """Print the table, and the best command to copy."""
    order = ranked(jobs, objective)
    if not order:
        return
    console.print()
    console.print(results_table(order, objective))
    for job in order:
        if job.note and job.state in (State.DONE, State.FAILED):
            console.print(f"{job.title}: {job.note}, see {job.log}", soft_wrap=True, markup=False)
    best = order[0]
    if best.state is State.DONE and best.value is not None:
        console.print("\nThe best again:", style="bold")
        console.print(f"  {command(best)}", soft_wrap=True, markup=False, highlight=False)
        console.print(f"  its run: {best.directory}", soft_wrap=True, markup=False)
    console.print(f"All results: {directory / 'sweep_results.csv'}", soft_wrap=True, markup=False)
