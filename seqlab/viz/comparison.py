"""A metric of several runs in one figure, and how far runs that differ in their seed lie apart."""

import os
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from seqlab.viz.curves import Curve
from seqlab.viz.style import COLOURS, VERBATIM, new_figure, save, styled

FEW = 40  # points of a curve up to which each is marked


def comparison_figure(
    groups: Mapping[str, Sequence[Curve]],
    path: str | os.PathLike[str],
    *,
    x_label: str,
    y_label: str,
) -> Figure:
    """Draw a curve for each group, their mean where it has several, and these thin beside it.

    Args:
        groups: the curves of each, which differ in the seed alone, by what stands in the legend.
        path: of the PNG.
        x_label: what the first numbers of a curve are.
        y_label: what the second are.

    Raises:
        ValueError: there is no group, or one without a curve, or a curve without a point.
    """
    if not groups or any(not curves for curves in groups.values()):
        raise ValueError(f"each group needs a curve: { ({n: len(c) for n, c in groups.items()}) }")
    if any(not len(x) or len(x) != len(y) for curves in groups.values() for x, y in curves):
        raise ValueError("each curve needs points, and as many values as places")
    with styled():
        figure = new_figure(5.4, 3.4)
        figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
        axes = figure.subplots()
        for number, (name, curves) in enumerate(groups.items()):
            colour = COLOURS[number % len(COLOURS)]
            dashes = "-" if number < len(COLOURS) else "--"
            if len(curves) > 1:
                name = f"{name}, mean of {len(curves)}"
                for x, y in curves:
                    axes.plot(x, y, dashes, color=colour, linewidth=0.7, alpha=0.45)
            x, y = mean_curve(curves)
            marker = "o" if len(x) <= FEW else None
            axes.plot(x, y, dashes, color=colour, marker=marker, markersize=3.5, label=name)
        axes.set_xlabel(x_label, **VERBATIM)
        axes.set_ylabel(y_label, **VERBATIM)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        figure.legend(loc="outside upper left", ncols=2)
        save(figure, path)
    return figure


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """The mean of curves, as far as all of them reach, straight between their points.

    Args:
        curves: with growing places; where no place belongs to all of them, the mean is empty.
    """
    if len(curves) == 1:
        return curves[0]
    start, end = max(x[0] for x, _ in curves), min(x[-1] for x, _ in curves)
    places = np.unique(np.concatenate([x for x, _ in curves]))
    places = places[(places >= start) & (places <= end)]
    return places, np.mean([np.interp(places, x, y) for x, y in curves], axis=0)
