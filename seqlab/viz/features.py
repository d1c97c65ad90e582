"""Features of a network: how few dimensions are enough, and what lies beside what."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from seqlab.viz.style import COLOURS, VERBATIM, new_figure, save, styled

MARKERS = ("o", "s", "^", "D", "v", "P", "X")  # classes beyond the colours take the next
MOST_ROWS = 20  # of a column of the legend


def compactness_figure(
    curve: Mapping[int, float],
    path: str | os.PathLike[str],
    *,
    whole: float,
    num_features: int,
) -> Figure:
    """Draw accuracy by the number of principal components, and that of all features as a line.

    Args:
        curve: accuracy 0 to 1 by number of dimensions.
        path: of the PNG.
        whole: accuracy of all features.
        num_features: how many these are.

    Raises:
        ValueError: the curve is empty.
    """
    if not curve:
        raise ValueError("a curve has at least one point")
    dims = sorted(curve)
    with styled():
        figure = new_figure(4.6, 3.0)
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        axes.plot(dims, [100 * curve[dim] for dim in dims], "o-", color=COLOURS[0])
        line = axes.axhline(100 * whole, color=COLOURS[6], linewidth=1.2, linestyle="--")
        line.set_label(f"all {num_features} features")
        axes.set_xscale("log")
        axes.set_xticks(dims, [str(dim) for dim in dims])
        axes.minorticks_off()
        axes.set_ylim(0, 104)  # a small loss looks small
        axes.set_xlabel("principal components")
        axes.set_ylabel("accuracy in %")
        axes.legend(loc="lower right")
        save(figure, path)
    return figure


def embedding_figure(
    points: NDArray[Any],
    labels: NDArray[Any],
    classes: Sequence[str],
    path: str | os.PathLike[str],
) -> Figure:
    """Draw examples as points, a colour and a mark for each class.

    Args:
        points: in two dimensions, [N, 2].
        labels: classes of the points, [N].
        classes: their names.
        path: of the PNG.

    Raises:
        ValueError: the shapes do not fit.
    """
    if points.shape != (len(labels), 2) or (len(labels) and max(labels) >= len(classes)):
        raise ValueError(
            f"{len(labels)} labels of {len(classes)} classes do not fit points {points.shape}"
        )
    with styled():
        figure = new_figure(5.6, 4.0)
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        for number in np.unique(labels):
            own = points[labels == number]
            colour = COLOURS[number % len(COLOURS)]
            mark = MARKERS[number // len(COLOURS) % len(MARKERS)]
            axes.scatter(*own.T, s=14, marker=mark, color=colour, linewidths=0, label=str(number))
        axes.set_xticks([])
        axes.set_yticks([])
        axes.grid(False)
        columns = -(-len(np.unique(labels)) // MOST_ROWS)
        legend = figure.legend(loc="outside right upper", ncols=columns)
        for text, number in zip(legend.get_texts(), np.unique(labels), strict=True):
            text.set(text=classes[number], **VERBATIM)
        save(figure, path)
    return figure
