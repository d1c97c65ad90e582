"""Draw a metric of several runs in one figure.

    python scripts/compare_runs.py ntm=DIR lstm=DIR metric=val/loss x=samples output=curves.png
    python scripts/compare_runs.py ntm=DIR lstm=DIR 'metric=test/bit_errors_*' x=length

NAME=DIR is a run directory and what the legend calls it; without NAME= it is called by its path.
Directories of one name differ in their seed: their mean is drawn, and each of them thin. A
directory of several seeds stands for all of them, one of restarts for the one that was kept.

A metric is followed over the steps, or with x=samples over the training examples seen, where the
task counts them. A metric with a star is that of the end: the numbers in the star's place lie on
the horizontal axis, and x= says what they are.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seqlab.cli.failures import show
from seqlab.config.errors import Problem, UserError, nearest
from seqlab.run.rundir import RunDir
from seqlab.viz.comparison import comparison_figure
from seqlab.viz.curves import Curve, read_curves

SAMPLES = "train/samples"  # column that counts the training examples
OVER = {"step": "step", "samples": "training samples"}  # x=, and what the axis is called
SETTINGS = {"metric": "", "x": "", "output": "comparison.png"}


def main(words: Sequence[str]) -> None:
    """Draw what the words of a command line ask for.

    Raises:
        UserError: a word means nothing, or a run has no such metric.
    """
    settings, groups = read_words(words)
    metric, x = settings["metric"], settings["x"]
    curves: dict[str, list[Curve]] = {}
    for name, folders in groups.items():
        for run in runs_of(folders):
            found = end_curve(run, metric) if "*" in metric else training_curve(run, metric, x)
            curves.setdefault(name, []).append(found)
    label = metric.replace("_*", "")
    comparison_figure(curves, settings["output"], x_label=OVER.get(x, x), y_label=label)
    print(settings["output"])


def read_words(words: Sequence[str]) -> tuple[dict[str, str], dict[str, list[Path]]]:
    """The settings, and the directories of each name."""
    settings, groups = dict(SETTINGS), {}
    for word in words:
        name, equals, value = word.partition("=")
        if equals and name in SETTINGS:
            settings[name] = value
        elif equals and not Path(word).is_dir():
            groups.setdefault(name, []).append(Path(value))
        else:
            groups.setdefault(word, []).append(Path(word))
    problems = []
    if not groups:
        problems.append(Problem(key="DIR", message="has to be given: a run directory, or several"))
    if not settings["metric"]:
        message = "has to be given: metric=val/loss, or another column of metrics.csv"
        problems.append(Problem(key="metric", message=message))
    x = settings["x"] = settings["x"] or ("number" if "*" in settings["metric"] else "step")
    if x not in OVER and "*" not in settings["metric"]:
        near, message = nearest(x, OVER), "is nothing to draw over"
        problems.append(
            Problem(key="x", given=x, message=message, allowed=tuple(OVER), nearest=near)
        )
    if problems:
        raise UserError(problems)
    return settings, groups


def runs_of(folders: Sequence[Path]) -> list[RunDir]:
    """The runs in some directories, of which each may be that of several seeds."""
    runs = []
    for folder in folders:
        found = [folder] if RunDir(folder).metrics_csv.exists() else folder.glob("seed_*/")
        kept = [RunDir(each) for each in sorted(found) if RunDir(each).metrics_csv.exists()]
        if not kept:
            message = "is no run directory: it has no metrics.csv"
            raise UserError([Problem(key=str(folder), message=message)])
        runs += kept
    return runs


def training_curve(run: RunDir, metric: str, x: str) -> Curve:
    """A column of metrics.csv over the steps, or over the training samples seen by then."""
    curves = read_curves(run.metrics_csv)
    for name in (metric, SAMPLES) if x == "samples" else (metric,):
        if name not in curves:
            raise UserError([_no_metric(run.metrics_csv, name, curves)])
    steps, values = curves[metric]
    return (np.interp(steps, *curves[SAMPLES]) if x == "samples" else steps), values


def end_curve(run: RunDir, metric: str) -> Curve:
    """The metrics of metrics.json whose names have a number in the star's place, over it."""
    metrics = {n: v for n, v in run.read_metrics().items() if isinstance(v, int | float)}
    pattern = re.compile(re.escape(metric).replace(r"\*", r"(\d+)"))
    found = sorted((int(m[1]), v) for n, v in metrics.items() if (m := pattern.fullmatch(n)))
    if not found:
        raise UserError([_no_metric(run.metrics, metric, metrics)])
    places, values = zip(*found, strict=True)
    return np.array(places, dtype=float), np.array(values, dtype=float)


def _no_metric(path: Path, metric: str, known: Sequence[str]) -> Problem:
    message, near = f"{path} has no such metric", nearest(metric, known)
    return Problem(key="metric", given=metric, message=message, allowed=tuple(known), nearest=near)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(show(error))
