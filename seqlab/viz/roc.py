"""Receiver operating characteristic: what is found, by how much else is taken for it."""

import os
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from seqlab.viz.style import COLOURS, FAINT, new_figure, save, styled

GRID = np.linspace(0, 1, 201)  # false positives at which curves are averaged

Rates = NDArray[np.float64]


def roc_figure(
    curves: Sequence[tuple[Rates, Rates]], path: str | os.PathLike[str], *, area: float
) -> Figure:
    """Draw the curve of each fold, their mean, and that of chance.

    Args:
        curves: false and true positives of each fold, both rising from 0 to 1.
        path: of the PNG.
        area: under the curves, their mean.

    Raises:
        ValueError: there is no curve.
    """
    if not curves:
        raise ValueError("there is at least one curve")
    with styled():
        figure = new_figure(3.6, 3.4)
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        axes.plot([0, 100], [0, 100], color=FAINT, linestyle="--", linewidth=1, label="chance")
        for false_positives, true_positives in curves:
            rates = 100 * false_positives, 100 * true_positives
            axes.plot(*rates, color=COLOURS[0], alpha=0.25, linewidth=0.8)
        mean = np.mean([np.interp(GRID, *curve) for curve in curves], axis=0)
        whose = f"mean of {len(curves)} folds" if len(curves) > 1 else "curve"
        label = f"{whose}, area {area:.3f}"
        axes.plot(100 * np.append(0, GRID), 100 * np.append(0, mean), color=COLOURS[0], label=label)
        axes.set_xlim(-1, 101)
        axes.set_ylim(-1, 101)
        axes.set_aspect("equal")
        axes.set_xlabel("not same taken for same, in %")
        axes.set_ylabel("same found, in %")
        axes.legend(loc="lower right")
        save(figure, path)
    return figure
