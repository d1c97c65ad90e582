"""Patches and the patches that networks find most like them."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from seqlab.viz.style import VERBATIM, new_figure, save, styled

CELL = 0.62  # inches


class NeighbourRow(NamedTuple):
    """A patch, and of each network the patches most like it, best first."""

    query: NDArray[Any]  # [p, p, 3] in [0, 1]
    found: Sequence[Sequence[NDArray[Any]]]  # networks x patches


def neighbour_figure(
    rows: Sequence[NeighbourRow], names: Sequence[str], path: str | os.PathLike[str]
) -> Figure:
    """Draw a row for each query: the patch, and beside it what each network finds like it.

    Args:
        rows: what is drawn, at least one.
        names: of the networks.
        path: of the PNG.
    """
    if not rows:
        raise ValueError("there is no patch whose neighbours could be drawn")
    counts = [len(found) for found in rows[0].found]
    widths = [1.0]
    for count in counts:
        widths += [0.35, *[1.0] * count]  # a gap before each network
    with styled():
        figure = new_figure(CELL * sum(widths), CELL * len(rows) + 0.35)
        axes = figure.subplots(
            len(rows), len(widths), squeeze=False, gridspec_kw={"width_ratios": widths}
        )
        top = 1 - 0.3 / (CELL * len(rows) + 0.35)
        figure.subplots_adjust(0.005, 0.01, 0.995, top, wspace=0.05, hspace=0.05)
        for each in axes.flat:
            each.axis("off")
        for row, shown in enumerate(rows):
            _patch(axes[row, 0], shown.query)
            at = 1
            for found in shown.found:
                for number, patch in enumerate(found):
                    _patch(axes[row, at + 1 + number], patch)
                at += 1 + len(found)
        axes[0, 0].set_title("query", size=8)
        at = 1
        for name, count in zip(names, counts, strict=True):
            axes[0, at + 1].set_title(name, size=8, loc="left", **VERBATIM)
            at += 1 + count
        save(figure, path)
    return figure


def _patch(axes: Axes, patch: NDArray[Any]) -> None:
    axes.imshow(patch, interpolation="nearest")
