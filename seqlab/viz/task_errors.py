"""The error of each kind of question, a bar for each."""

import os
from collections.abc import Sequence

from matplotlib.figure import Figure

from seqlab.viz.style import COLOURS, VERBATIM, new_figure, save, styled, text_width

BAR = 0.24  # inches that a bar and what is between it and the next take


def task_figure(
    tasks: Sequence[str],
    errors: Sequence[float],
    path: str | os.PathLike[str],
    *,
    failed_above: float,
) -> Figure:
    """Draw a bar for each task, in another colour where it has failed, and the mean as a line.

    Args:
        tasks: their names, the first on top.
        errors: share of wrong answers of each, 0 to 1.
        path: of the PNG.
        failed_above: error above which a task has failed.

    Raises:
        ValueError: there is no task, the numbers differ, or an error is not between 0 and 1.
    """
    if not tasks or len(tasks) != len(errors) or not all(0 <= error <= 1 for error in errors):
        raise ValueError(
            f"{len(tasks)} tasks and {len(errors)} errors: there must be one of 0 to 1 for each "
            "task, and at least one task"
        )
    failed = [error > failed_above for error in errors]
    percent = [100 * error for error in errors]
    mean = sum(percent) / len(percent)
    with styled():
        label_w = max(text_width(task, 8.0) for task in tasks)
        figure = new_figure(label_w + 4.2, BAR * len(tasks) + 1.0)
        figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
        axes = figure.subplots()
        colours = [COLOURS[1] if bad else COLOURS[0] for bad in failed]
        bars = axes.barh(range(len(tasks)), percent, height=0.72, color=colours, zorder=2)
        for label in axes.bar_label(bars, fmt="%.1f", size=7.5, padding=3):
            label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.6})
            label.set_zorder(4)  # the lines may pass behind it
        limit = axes.axvline(100 * failed_above, color="#B0B0B0", linewidth=1.0, zorder=1)
        limit.set_label(f"{sum(failed)} of {len(tasks)} failed: above {100 * failed_above:g} %")
        line = axes.axvline(mean, color=COLOURS[6], linewidth=1.2, linestyle="--", zorder=3)
        line.set_label(f"mean {mean:.1f} %")
        axes.set_yticks(range(len(tasks)), tasks, **VERBATIM)
        axes.tick_params(axis="y", length=0)
        axes.invert_yaxis()
        axes.set_ylim(len(tasks) - 0.4, -0.6)
        axes.set_xlim(0, 1.12 * max(*percent, 100 * failed_above, 1.0))
        axes.grid(False, axis="y")
        axes.set_xlabel("error in %")
        figure.legend(loc="outside upper right", ncols=2)
        save(figure, path)
    return figure
