"""What a sweep found: the metric of its jobs over each setting that varied."""

import os
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seqlab.viz.style import COLOURS, FAINT, new_figure, save, styled

_LOG_RATIO = 10.0  # largest over smallest value from which an axis of numbers is logarithmic


def sweep_figure(
    settings: Mapping[str, Sequence[str]],
    scores: Sequence[float],
    metric: str,
    path: str | os.PathLike[str],
) -> Figure:
    """Draw one panel per setting; the best job, which stands first, has a colour of its own.

    Args:
        settings: value of each job, best job first, by the name of the setting.
        scores: the metric of each job.
        metric: its name.
        path: of the PNG.

    Raises:
        ValueError: there is no job, or no setting.
    """
    if not scores or not settings:
        raise ValueError("a figure of a sweep needs at least one job and one setting")
    with styled():
        figure = new_figure(3.0 * len(settings) + 0.6, 3.0)
        figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
        panels = figure.subplots(1, len(settings), sharey=True, squeeze=False)[0]
        for axes, (name, values) in zip(panels, settings.items(), strict=True):
            places = _place(axes, values)
            axes.scatter(places, scores, s=24, color=FAINT, zorder=2)
            axes.scatter(places[:1], scores[:1], s=60, color=COLOURS[1], zorder=3, label="best")
            axes.set_xlabel(name)
        panels[0].set_ylabel(metric)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right")
        save(figure, path)
    return figure


def _place(axes: Axes, values: Sequence[str]) -> list[float]:
    """Where values stand on the horizontal axis: numbers by size, all else by name."""
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        names = sorted(set(values))
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.5, len(names) - 0.5)
        return [float(names.index(value)) for value in values]
    if min(numbers) > 0 and max(numbers) / min(numbers) >= _LOG_RATIO:
        axes.set_xscale("log")
    return numbers
