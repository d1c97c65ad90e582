"""The frames of a video and, word by word, which of them a caption looked at."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from seqlab.viz.alignments import shade_legend
from seqlab.viz.style import (
    COLOURS,
    FAINT,
    VERBATIM,
    as_image,
    new_figure,
    save,
    styled,
    text_width,
    wrap,
)
from seqlab.viz.video import evenly

SHOWN = 16  # frames that are drawn
WIDE = 8.0  # inches of all of them
MARGIN = 0.15  # inches
ROW = 0.22  # inches, height of a word
LARGE, SMALL = 10.0, 7.5  # points


def caption_strip(
    frames: NDArray[Any],
    words: Sequence[str],
    path: str | os.PathLike[str],
    *,
    weights: NDArray[Any] | None = None,
    telling: NDArray[np.bool_] | None = None,
    references: Sequence[str] = (),
) -> Figure:
    """Draw frames in a row, the caption above and, below, the attention at each word.

    Args:
        frames: [F, height, width, 3], bytes or numbers in 0 to 1.
        words: of the caption, T.
        path: of the PNG.
        weights: attention on each frame, 0 to 1, [T, F]; None where there is none.
        telling: which frames tell what is asked for, marked by a line, [F]; None where nobody
            knows.
        references: what people said.

    Raises:
        ValueError: there is no frame, or numbers differ.
    """
    _check(frames, words, weights, telling)
    chosen = evenly(len(frames), SHOWN)
    side = min(WIDE / len(chosen), 1.2)
    strip_w, strip_h = side * len(chosen), side * frames.shape[1] / frames.shape[2]
    rows = 0 if weights is None else len(words)
    with styled():
        left = MARGIN + max((text_width(word, LARGE) for word in words[:rows]), default=0.0) + 0.1
        width = left + strip_w + MARGIN
        lines = [(line, LARGE) for line in wrap(" ".join(words), width - 2 * MARGIN, LARGE)]
        lines += [(line, SMALL) for each in references for line in wrap(each, width, SMALL)]
        head = MARGIN + sum(1.45 * size / 72 for _, size in lines)
        height = head + strip_h + 0.12 + rows * ROW + (0.45 if rows else MARGIN)
        figure = new_figure(width, height)
        y = height - MARGIN
        for line, size in lines:
            is_caption = size == LARGE
            figure.text(
                MARGIN / width,
                y / height,
                line,
                va="top",
                size=size,
                color=COLOURS[0] if is_caption else FAINT,
                weight="bold" if is_caption else "normal",
                **VERBATIM,
            )
            y -= 1.45 * size / 72
        top = height - head
        for place, index in enumerate(chosen):
            x = left + place * side
            box = (x / width, (top - strip_h) / height, 0.96 * side / width, strip_h / height)
            axes = figure.add_axes(box)
            axes.imshow(as_image(frames[index]), interpolation="nearest")
            axes.set_axis_off()
        bottom = top - strip_h - 0.08
        if telling is not None:
            box = (left / width, (bottom - 0.02) / height, strip_w / width, 0.05 / height)
            _mark(figure.add_axes(box), telling)
        if weights is not None and rows:
            bottom -= 0.04 + rows * ROW
            box = (left / width, bottom / height, strip_w / width, rows * ROW / height)
            _shade(figure.add_axes(box), words, weights)
            shade_legend(figure, (left + 0.1, 0.14), width, height)
        save(figure, path)
    return figure


def _check(
    frames: NDArray[Any],
    words: Sequence[str],
    weights: NDArray[Any] | None,
    telling: NDArray[np.bool_] | None,
) -> None:
    if not len(frames):
        raise ValueError("a video has no frame")
    if weights is not None and weights.shape != (len(words), len(frames)):
        raise ValueError(
            f"{len(words)} words and {len(frames)} frames, but weights {weights.shape}"
        )
    if telling is not None and telling.shape != (len(frames),):
        raise ValueError(f"{len(frames)} frames, but it is said of {len(telling)} what they tell")


def _mark(axes: Axes, telling: NDArray[np.bool_]) -> None:
    """A line below the frames that tell."""
    axes.set_xlim(0, len(telling))
    axes.set_ylim(0, 1)
    axes.set_axis_off()
    for index in np.flatnonzero(telling):
        axes.axvspan(index, index + 1, color=COLOURS[1], linewidth=0)


def _shade(axes: Axes, words: Sequence[str], weights: NDArray[Any]) -> None:
    """A row of shades for each word, the darker the more."""
    axes.imshow(weights, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
    axes.set_yticks(range(len(words)), words, size=LARGE, **VERBATIM)
    axes.set_xticks([])
    axes.tick_params(length=0, pad=3)
    axes.grid(False)
    axes.set_xticks(np.arange(weights.shape[1] + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(words) + 1) - 0.5, minor=True)
    axes.grid(True, which="minor", color="#E6E6E6", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    for spine in axes.spines.values():
        spine.set_visible(True)
