"""Two patches, and where the second is thought to lie."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from seqlab.viz.style import COLOURS, INK, new_figure, save, styled

PANEL = 1.5  # inches
COLUMNS = 4


class ShownPair(NamedTuple):
    """A pair of patches with what was said of it."""

    first: NDArray[Any]  # [p, p, 3] in [0, 1]
    second: NDArray[Any]  # [p, p, 3] in [0, 1]
    probabilities: NDArray[Any]  # [8], of the positions in reading order
    position: int  # where the second lies


def context_figure(
    pairs: Sequence[ShownPair], positions: Sequence[str], path: str | os.PathLike[str]
) -> Figure:
    """Draw pairs: the first patch amid the eight places, each as dark as it is probable.

    The true place has a green frame; the place that was said has an orange one where it is another.

    Args:
        pairs: what is drawn, at least one.
        positions: names of the eight places.
        path: of the PNG.
    """
    if not pairs:
        raise ValueError("there is no pair to draw")
    columns = min(COLUMNS, len(pairs))
    rows = -(-len(pairs) // columns)
    with styled():
        figure = new_figure(2 * PANEL * columns, (PANEL + 0.3) * rows)
        figure.set_layout_engine("constrained")
        axes = figure.subplots(rows, 2 * columns, squeeze=False)
        for each in axes.flat:
            each.axis("off")
        for number, pair in enumerate(pairs):
            row, column = divmod(number, columns)
            _second(axes[row, 2 * column], pair)
            _places(axes[row, 2 * column + 1], pair, positions)
        save(figure, path)
    return figure


def _second(axes: Axes, pair: ShownPair) -> None:
    axes.imshow(pair.second, interpolation="nearest")
    axes.set_title("where is this?", size=7.5)


def _places(axes: Axes, pair: ShownPair, positions: Sequence[str]) -> None:
    said = int(pair.probabilities.argmax())
    for place in range(len(positions)):
        row, column = divmod(place + (place > 3), 3)  # the middle is taken
        shade = float(pair.probabilities[place])
        axes.add_patch(
            Rectangle((column, row), 1, 1, facecolor=COLOURS[0], alpha=shade, edgecolor="none")
        )
        ink = "white" if shade > 0.6 else INK
        axes.text(
            column + 0.5,
            row + 0.5,
            f"{100 * shade:.0f}",
            ha="center",
            va="center",
            size=7,
            color=ink,
        )
    axes.imshow(pair.first, extent=(1.04, 1.96, 1.96, 1.04), interpolation="nearest", zorder=2)
    if said != pair.position:
        _frame(axes, said, COLOURS[1])
    _frame(axes, pair.position, COLOURS[2])
    axes.set_xlim(-0.05, 3.05)
    axes.set_ylim(3.05, -0.05)
    axes.set_aspect("equal")
    name = positions[said]
    axes.set_title(name if said == pair.position else f"says {name}", size=7.5)


def _frame(axes: Axes, place: int, colour: str) -> None:
    row, column = divmod(place + (place > 3), 3)
    axes.add_patch(
        Rectangle(
            (column + 0.03, row + 0.03), 0.94, 0.94, fill=False, edgecolor=colour, linewidth=2
        )
    )


def position_figure(true: NDArray[Any], said: NDArray[Any], path: str | os.PathLike[str]) -> Figure:
    """Draw where patches lie against where they are said to lie, across and down an image.

    Args:
        true: centres, right and down, [N, 2], -1 to 1.
        said: of the same shape.
        path: of the PNG.
    """
    with styled():
        figure = new_figure(6.0, 3.2)
        figure.set_layout_engine("constrained")
        for axis, (axes, name) in enumerate(
            zip(figure.subplots(1, 2), ("left to right", "top to bottom"), strict=True)
        ):
            axes.plot([-1, 1], [-1, 1], color=INK, linewidth=0.8)
            axes.scatter(true[:, axis], said[:, axis], s=5, alpha=0.35, color=COLOURS[0], lw=0)
            axes.set_xlim(-1, 1)
            axes.set_ylim(-1, 1)
            axes.set_aspect("equal")
            axes.set_xlabel(f"true, {name}")
            axes.set_ylabel("said")
            axes.set_title(f"correlation {_correlation(true[:, axis], said[:, axis]):.2f}")
        save(figure, path)
    return figure


def _correlation(first: NDArray[Any], second: NDArray[Any]) -> float:
    spread = float(first.std() * second.std())
    if spread < 1e-12:
        return 0.0
    return float(np.mean((first - first.mean()) * (second - second.mean())) / spread)
