"""What was found again and again in a collection, and how pure it is."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from numpy.typing import NDArray

from seqlab.viz.style import COLOURS, FAINT, new_figure, save, styled

CELL = 0.85  # inches
TEXT = 1.15  # inches beside a row


class ShownCluster(NamedTuple):
    """A constellation where it was taken from, and where it was found again."""

    pictures: Sequence[NDArray[Any]]  # the first is where it was taken from, [h, w, 3] in [0, 1]
    verified: int  # matches that lie in a square
    matches: int  # images in which it was looked for closely
    purity: float | None  # None where nothing is labelled


def cluster_figure(clusters: Sequence[ShownCluster], path: str | os.PathLike[str]) -> Figure:
    """Draw a row for each cluster, best first.

    Args:
        clusters: what is drawn; without any the figure says so.
        path: of the PNG.
    """
    columns = max((len(each.pictures) for each in clusters), default=1)
    with styled():
        height = CELL * max(1, len(clusters)) + 0.25
        width = TEXT + CELL * columns
        figure = new_figure(width, height)
        if not clusters:
            figure.text(0.5, 0.5, "nothing was found twice", ha="center", va="center", size=8)
            save(figure, path)
            return figure
        axes = figure.subplots(len(clusters), columns, squeeze=False)
        figure.subplots_adjust(TEXT / width, 0.005, 0.998, 1 - 0.22 / height, 0.04, 0.04)
        for each in axes.flat:
            each.axis("off")
        for row, cluster in enumerate(clusters):
            for column, picture in enumerate(cluster.pictures):
                axes[row, column].imshow(picture, interpolation="nearest")
            text = f"{cluster.verified} of {cluster.matches}"
            if cluster.purity is not None:
                text += f"\npurity {cluster.purity:.2f}"
            first = axes[row, 0]
            first.text(
                -0.06, 0.5, text, ha="right", va="center", size=7.5, transform=first.transAxes
            )
        axes[0, 0].set_title("taken from", size=7.5, color=FAINT)
        if columns > 1:
            axes[0, 1].set_title("found in", size=7.5, color=FAINT, loc="left")
        save(figure, path)
    return figure


def purity_figure(
    coverage: NDArray[Any], purity: NDArray[Any], path: str | os.PathLike[str]
) -> Figure:
    """Draw the mean purity of the purest clusters by the share of images that they cover.

    Args:
        coverage: shares, rising, [K].
        purity: means, [K].
        path: of the PNG.
    """
    with styled():
        figure = new_figure(3.6, 2.8)
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        axes.plot(coverage, purity, color=COLOURS[0], marker="o", markersize=3)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("share of the images covered")
        axes.set_ylabel("mean purity")
        save(figure, path)
    return figure
