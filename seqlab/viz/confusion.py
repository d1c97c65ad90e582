"""Which class was taken for which."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from seqlab.viz.style import INK, VERBATIM, new_figure, save, styled, text_width

CELL = 0.36  # inches
MOST_NUMBERED = 24  # classes of which the cells have room for numbers
LEAST_SHOWN = 0.005  # share that is written into its cell


def confusion_figure(
    matrix: NDArray[Any], classes: Sequence[str], path: str | os.PathLike[str]
) -> Figure:
    """Draw shares of each true class, a row for each, by the class that was said.

    Args:
        matrix: how often each class was taken for each, [C, C], rows by the truth.
        classes: their names, C.
        path: of the PNG.

    Raises:
        ValueError: the matrix is not square, or not of that many classes.
    """
    if matrix.shape != (len(classes), len(classes)) or not len(classes):
        raise ValueError(f"{len(classes)} classes have no matrix of the shape {matrix.shape}")
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1e-12)
    with styled():
        cell = CELL if len(classes) <= MOST_NUMBERED else CELL / 2
        label_w = max(text_width(name, 8.0) for name in classes)
        side = cell * len(classes) + label_w + 0.7
        figure = new_figure(max(side, 2.4), max(side, 2.4))
        figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
        axes = figure.subplots()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.grid(False)
        axes.set_xticks(range(len(classes)), classes, rotation=90, **VERBATIM)
        axes.set_yticks(range(len(classes)), classes, **VERBATIM)
        axes.tick_params(length=0)
        axes.set_xlabel("said")
        axes.set_ylabel("true")
        if len(classes) <= MOST_NUMBERED:
            for row, column in np.argwhere(shares >= LEAST_SHOWN):
                share = shares[row, column]
                ink = "white" if share > 0.5 else INK
                axes.text(
                    column, row, f"{100 * share:.0f}", ha="center", va="center", size=6.5, color=ink
                )
        save(figure, path)
    return figure
