"""Which source words a translation looked at, as in Bahdanau et al. (2015), figure 3."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from seqlab.viz.style import INK, VERBATIM, new_figure, save, styled, text_width, wrap

LARGEST, SMALLEST = 0.32, 0.16  # inches, the side of a cell
FULL = 6.5  # inches that a matrix may take before its cells shrink
MARGIN = 0.12  # inches
LONGEST = 24  # letters of a label
SLANT = 60  # degrees, of the words on top


def alignment_figure(
    source_words: Sequence[str],
    target_words: Sequence[str],
    weights: NDArray[Any],
    path: str | os.PathLike[str],
    title: str | None = None,
) -> Figure:
    """Draw the attention at each word of a translation as a row, the darker the more.

    Args:
        source_words: what was read, S, on top; with its end where that is to be seen.
        target_words: what was written, T, at the left.
        weights: attention on each source word, 0 to 1, [T, S].
        path: of the PNG.
        title: above all.

    Raises:
        ValueError: words and weights differ in number, or a weight is not between 0 and 1.
    """
    _check(source_words, target_words, weights)
    sources, targets = ([_cut(word) for word in words] for words in (source_words, target_words))
    cell = min(max(FULL / max(weights.shape), SMALLEST), LARGEST)
    size = min(9.5, 0.72 * cell * 72)  # points
    with styled():
        widths = {word: text_width(word, size) for word in {*sources, *targets}}
        slant = np.deg2rad(SLANT)
        # A slanted word rises by its length, and leans to the right over those after it.
        rise = max(np.sin(slant) * widths[word] for word in sources) + 0.15
        reach = max(
            (n + 0.5) * cell + np.cos(slant) * widths[word] for n, word in enumerate(sources)
        )
        left = MARGIN + max(widths[word] for word in targets) + 0.1
        matrix_w, matrix_h = weights.shape[1] * cell, weights.shape[0] * cell
        figure_w = left + max(matrix_w, reach) + 2 * MARGIN
        headline = wrap(title, figure_w - 2 * MARGIN, 11.0) if title else []
        above = MARGIN + 0.2 * len(headline) + rise
        figure_h = above + matrix_h + 0.42
        figure = new_figure(figure_w, figure_h)
        figure.text(
            MARGIN / figure_w,
            1 - MARGIN / figure_h,
            "\n".join(headline),
            va="top",
            size=11,
            **VERBATIM,
        )
        bottom = figure_h - above - matrix_h
        axes = figure.add_axes(
            (left / figure_w, bottom / figure_h, matrix_w / figure_w, matrix_h / figure_h)
        )
        axes.imshow(weights, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
        _label(axes, sources, targets, size)
        shade_legend(figure, (left, 0.12), figure_w, figure_h)
        save(figure, path)
    return figure


def _check(source_words: Sequence[str], target_words: Sequence[str], weights: NDArray[Any]) -> None:
    if weights.shape != (len(target_words), len(source_words)):
        raise ValueError(
            f"{len(target_words)} target and {len(source_words)} source words, but weights "
            f"{weights.shape}"
        )
    if not weights.size:
        raise ValueError("a sentence has no word")
    if not (weights.min() >= 0 and weights.max() <= 1 + 1e-3):  # also of NaN
        raise ValueError("some weights are not between 0 and 1")


def _cut(word: str) -> str:
    return word if len(word) <= LONGEST else word[: LONGEST - 1] + "…"


def _label(axes: Axes, sources: Sequence[str], targets: Sequence[str], size: float) -> None:
    axes.xaxis.tick_top()
    axes.set_xticks(
        range(len(sources)),
        sources,
        size=size,
        rotation=SLANT,
        ha="left",
        va="bottom",
        rotation_mode="anchor",
        **VERBATIM,
    )
    axes.set_yticks(range(len(targets)), targets, size=size, **VERBATIM)
    axes.tick_params(length=0, pad=3, labelcolor=INK)
    # Thin white lines between the cells, so that a row can be followed to its word.
    axes.grid(False)
    axes.set_xticks(np.arange(len(sources) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(targets) + 1) - 0.5, minor=True)
    axes.grid(True, which="minor", color="#E6E6E6", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    for spine in axes.spines.values():
        spine.set_visible(True)


def shade_legend(figure: Figure, corner: tuple[float, float], width: float, height: float) -> None:
    """What the shades mean, below the matrix."""
    x, y = corner
    axes = figure.add_axes((x / width, y / height, 0.8 / width, 0.1 / height))
    axes.imshow(np.linspace(0, 1, 64)[None], cmap="Blues", aspect="auto")
    axes.set_axis_off()
    for place, text, side in ((-0.04, "0", "right"), (1.04, "1", "left")):
        axes.text(place, 0.5, text, transform=axes.transAxes, ha=side, va="center", size=7)
