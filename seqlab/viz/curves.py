"""Training curves from the metrics that a run has written."""

import csv
import math
import os
import re
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator
from numpy.typing import NDArray

from seqlab.viz.style import COLOURS, FAINT, new_figure, save, styled

COLUMNS = 3
SMOOTHED_FROM = 60  # points of a training curve
TRAIN, VAL = "train", "val"
SAMPLES, SOLVED = "train/samples", "val/samples_until_solved"

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]  # steps and values, equally long


def read_curves(csv_path: str | os.PathLike[str]) -> dict[str, Curve]:
    """The curves of a metrics.csv by name; cells without a finite number are left out.

    Of several values at one step, as a resumed run may have written them, the last counts. A file
    without a column `step` is drawn over its rows.

    Args:
        csv_path: a table with one column per metric and cells that may be empty.
    """
    points: dict[str, dict[float, float]] = {}
    with Path(csv_path).open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            step = _number(row.get("step"))
            for name, cell in row.items():
                value = _number(cell)
                if name and name not in ("step", "epoch") and value is not None:
                    points.setdefault(name, {})[number if step is None else step] = value
    curves = {}
    for name, found in points.items():
        steps = np.array(sorted(found))
        curves[name] = (steps, np.array([found[step] for step in steps]))
    return curves


def training_curves(csv_path: str | os.PathLike[str], path: str | os.PathLike[str]) -> Figure:
    """Draw one panel per family of metrics: validation with dots, long training curves smoothed.

    bleu1 to bleu4 are one family; test metrics, which have one value, are left out. Where the run
    has counted its training examples the curves are drawn over those, with a line where it had
    solved its task, as Kalchbrenner et al. (2016) count.

    Args:
        csv_path: the metrics.csv of a run.
        path: of the PNG.

    Raises:
        ValueError: there is no curve in the file.
    """
    families: dict[str, dict[str, Curve]] = {}
    curves = read_curves(csv_path)
    samples, solved = curves.pop(SAMPLES, None), curves.pop(SOLVED, None)
    if samples is not None:
        curves = {name: (np.interp(at, *samples), values) for name, (at, values) in curves.items()}
    for name, curve in curves.items():
        if not name.startswith("test/"):
            families.setdefault(_family(name), {})[name] = curve
    if not families:
        raise ValueError(f"{csv_path} has no metric to draw")
    columns = min(COLUMNS, len(families))
    rows = -(-len(families) // columns)
    steps = np.concatenate([steps for curves in families.values() for steps, _ in curves.values()])
    margin = 0.03 * float(np.ptp(steps)) or 0.5
    with styled():
        figure = new_figure(3.6 * columns + 0.2, 2.5 * rows + 0.2)
        figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
        grid = figure.subplots(rows, columns, squeeze=False).flatten()
        for axes, (family, curves) in zip(grid, sorted(families.items(), key=_order), strict=False):
            _panel(axes, family, curves)
            axes.set_xlabel("step" if samples is None else "training examples")
            if solved is not None:
                axes.axvline(solved[1][-1], color=FAINT, linewidth=0.9, linestyle=":")
            axes.set_xlim(steps.min() - margin, steps.max() + margin)
        for axes in grid[len(families) :]:
            axes.remove()
        save(figure, path)
    return figure


def _number(cell: str | None) -> float | None:
    try:
        value = float(cell or "nan")
    except (TypeError, ValueError):  # a signature, say
        return None
    return value if math.isfinite(value) else None


def _split(name: str) -> tuple[str, str]:
    """Split (train, val or empty) and metric of a column's name."""
    split, _, metric = name.rpartition("/")
    return split, re.sub(r"_(step|epoch)$", "", metric)


def _family(name: str) -> str:
    return re.sub(r"\d+$", "", _split(name)[1])


def _order(item: tuple[str, dict[str, Curve]]) -> tuple[bool, bool, str]:
    """The loss first, then what validation measures, then the rest."""
    family, curves = item
    return family != "loss", not any(name.startswith(VAL) for name in curves), family


def _panel(axes: Axes, family: str, curves: dict[str, Curve]) -> None:
    members = sorted({_split(name)[1] for name in curves})
    splits = {_split(name)[0] for name in curves}
    for name, (steps, values) in sorted(curves.items()):
        split, member = _split(name)
        several = len(members) > 1
        label = " ".join(part for part in (split, member if several else "") if part)
        which = members.index(member) if several else int(split == VAL and TRAIN in splits)
        colour = COLOURS[which % len(COLOURS)]
        if split == VAL or len(steps) == 1:
            axes.plot(steps, values, "o-", color=colour, markersize=3.5, label=label, zorder=3)
        elif split != TRAIN or len(steps) < SMOOTHED_FROM:
            axes.plot(steps, values, "--" if several else "-", color=colour, label=label)
        else:
            axes.plot(steps, values, color=colour, alpha=0.25, linewidth=0.7)
            axes.plot(steps, _running_mean(values), color=colour, linewidth=1.3, label=label)
    axes.set_title(family, loc="left", weight="bold")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.ticklabel_format(axis="y", scilimits=(-3, 4))
    if any(label for _, label in zip(*axes.get_legend_handles_labels(), strict=True)):
        axes.legend()


def _running_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over a fortieth of the curve around each point, over fewer at the ends."""
    half = max(len(values) // 80, 1)
    total = np.concatenate([[0.0], values.cumsum()])
    index = np.arange(len(values))
    start, end = np.maximum(index - half, 0), np.minimum(index + half + 1, len(values))
    return (total[end] - total[start]) / (end - start)
