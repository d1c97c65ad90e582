"""A score of each class, a bar for each."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from seqlab.viz.style import COLOURS, VERBATIM, new_figure, save, styled, text_width

BAR = 0.24  # inches that a bar and what is between it and the next take


def class_figure(
    classes: Sequence[str], scores: NDArray[Any], path: str | os.PathLike[str], *, score: str
) -> Figure:
    """Draw a bar for each class, the best on top, and the mean as a line.

    Args:
        classes: their names.
        scores: of each, 0 to 1, NaN for one that has none and is not drawn.
        path: of the PNG.
        score: what is drawn.

    Raises:
        ValueError: the numbers differ, or no class has a score.
    """
    if len(classes) != len(scores) or np.isnan(scores).all():
        raise ValueError(f"{len(classes)} classes and scores {scores}: one of each, not all NaN")
    order = [index for index in np.argsort(-scores, kind="stable") if not np.isnan(scores[index])]
    names = [classes[index] for index in order]
    percent = 100 * scores[order]
    with styled():
        label_w = max(text_width(name, 8.0) for name in names)
        figure = new_figure(label_w + 4.2, BAR * len(names) + 1.0)
        figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
        axes = figure.subplots()
        bars = axes.barh(range(len(names)), percent, height=0.72, color=COLOURS[0], zorder=2)
        for label in axes.bar_label(bars, fmt="%.1f", size=7.5, padding=3):
            label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.6})
            label.set_zorder(4)  # the line may pass behind it
        line = axes.axvline(percent.mean(), color=COLOURS[6], linewidth=1.2, linestyle="--")
        line.set_label(f"mean {percent.mean():.1f} %")
        axes.set_yticks(range(len(names)), names, **VERBATIM)
        axes.tick_params(axis="y", length=0)
        axes.invert_yaxis()
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(0, 110)
        axes.set_xticks(range(0, 101, 20))
        axes.grid(False, axis="y")
        axes.set_xlabel(f"{score} in %")
        figure.legend(loc="outside upper right")
        save(figure, path)
    return figure
