"""How far the restarts of a run lie apart, and which of them was kept."""

import math
import os
from collections.abc import Mapping, Sequence
from statistics import median

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from seqlab.viz.style import COLOURS, FAINT, VERBATIM, new_figure, save, styled


def restarts_figure(
    seeds: Sequence[int],
    values: Mapping[str, Sequence[float | None]],
    kept: int,
    path: str | os.PathLike[str],
) -> Figure:
    """Draw one panel per metric with a dot for each restart and a line at their median.

    Args:
        seeds: of the restarts.
        values: of each restart, None where it has no number; by the name of the metric, that by
            which they were chosen first.
        kept: which of them was chosen; its dots have a colour of their own.
        path: of the PNG.

    Raises:
        ValueError: there is no restart or no metric, or their numbers differ.
    """
    if not seeds or not values or any(len(each) != len(seeds) for each in values.values()):
        raise ValueError(
            f"{len(seeds)} seeds and values of {[len(each) for each in values.values()]} restarts: "
            "there must be one of each metric for each seed, and at least one"
        )
    with styled():
        figure = new_figure(3.2 * len(values) + 0.4, 2.8)
        figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
        panels = figure.subplots(1, len(values), squeeze=False)[0]
        for axes, (name, numbers) in zip(panels, values.items(), strict=True):
            heights = [math.nan if number is None else number for number in numbers]
            axes.scatter(seeds, heights, s=24, color=FAINT, zorder=2)
            axes.scatter(
                [seeds[kept]], [heights[kept]], s=60, color=COLOURS[1], zorder=3, label="kept"
            )
            known = [height for height in heights if not math.isnan(height)]
            if known:
                axes.axhline(median(known), color=COLOURS[0], linestyle="--", label="median")
            axes.set_title(name, loc="left", weight="bold", **VERBATIM)
            axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
            axes.set_xlim(min(seeds) - 0.5, max(seeds) + 0.5)
            axes.grid(False, axis="x")
            axes.set_xlabel("seed")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
        save(figure, path)
    return figure
