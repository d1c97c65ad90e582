"""What a model read, should have written and wrote at each step, as in Graves et al. (2014)."""

import os
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from seqlab.viz.style import COLOURS, INK, VERBATIM, new_figure, save, styled, wrap

CELL = 0.09  # inches, the side of a number while there is room
NARROWEST, WIDEST, TALLEST = 2.4, 11.0, 1.6  # inches of a strip
LEFT, GAP, MARGIN = 0.75, 0.14, 0.12  # inches


def sequence_figure(
    inputs: NDArray[Any],
    targets: NDArray[Any],
    outputs: NDArray[Any],
    scored: NDArray[Any],
    wrong: NDArray[Any],
    path: str | os.PathLike[str],
    title: str | None = None,
) -> Figure:
    """Draw three strips over time: inputs, targets and outputs, the darker the nearer to 1.

    Outputs that do not count are left white. Wrong ones have a frame.

    Args:
        inputs: of each step, [T, I]; the greatest number of a channel is as dark as can be.
        targets: 0 and 1, [T, O].
        outputs: probabilities of 1, [T, O].
        scored: True where the outputs of a step count, [T].
        wrong: True where an output has a frame, [T, O].
        path: of the PNG.
        title: above all.

    Raises:
        ValueError: the sizes do not fit together, or there is no step.
    """
    _check(inputs, targets, outputs, scored, wrong)
    hidden = ~np.broadcast_to(scored[:, None].astype(bool), targets.shape)
    strips = {
        "inputs": _scaled(inputs),
        "targets": np.ma.masked_where(hidden, targets),
        "outputs": np.ma.masked_where(hidden, outputs),
    }
    width = min(max(CELL * len(inputs), NARROWEST), WIDEST)
    heights = [min(max(CELL * part.shape[1], 0.2), TALLEST) for part in strips.values()]
    figure_w = LEFT + width + MARGIN
    with styled():
        headline = wrap(title, figure_w - 2 * MARGIN, 11.0) if title else []
        top = MARGIN + 0.2 * len(headline)
        figure_h = top + sum(heights) + GAP * (len(heights) - 1) + 0.45
        figure = new_figure(figure_w, figure_h)
        figure.text(
            MARGIN / figure_w,
            1 - MARGIN / figure_h,
            "\n".join(headline),
            va="top",
            size=11,
            **VERBATIM,
        )
        edge = top
        for (name, strip), height in zip(strips.items(), heights, strict=True):
            bottom = figure_h - edge - height
            box = (LEFT / figure_w, bottom / figure_h, width / figure_w, height / figure_h)
            axes = figure.add_axes(box)
            _show(axes, name, strip)
            edge += height + GAP
        _frame(axes, wrong)
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("step")
        save(figure, path)
    return figure


def _check(
    inputs: NDArray[Any],
    targets: NDArray[Any],
    outputs: NDArray[Any],
    scored: NDArray[Any],
    wrong: NDArray[Any],
) -> None:
    steps = {len(part) for part in (inputs, targets, scored)}
    if len(steps) != 1 or steps == {0} or not targets.shape == outputs.shape == wrong.shape:
        raise ValueError(
            f"inputs {inputs.shape}, targets {targets.shape}, outputs {outputs.shape} and scored "
            f"{scored.shape} are not of the same steps, or there is none"
        )


def _scaled(inputs: NDArray[Any]) -> NDArray[np.float64]:
    """Each channel from 0, or its least number where that is below, to its greatest as 0 to 1."""
    low = np.minimum(inputs.min(axis=0), 0)
    span = np.maximum(inputs.max(axis=0) - low, 1e-12)
    return (inputs - low) / span


def _show(axes: Axes, name: str, strip: NDArray[Any]) -> None:
    axes.imshow(strip.T, cmap="Greys", vmin=0.0, vmax=1.0, aspect="auto", interpolation="none")
    axes.set_ylabel(name, rotation=0, ha="right", va="center")
    axes.set_yticks([])
    axes.grid(False)
    axes.tick_params(labelbottom=False, length=2, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set_visible(True)


def _frame(axes: Axes, wrong: NDArray[np.bool_]) -> None:
    """Mark wrong outputs [T, O]."""
    steps, places = np.nonzero(wrong)
    axes.scatter(
        steps, places, s=14, marker="s", facecolors="none", edgecolors=COLOURS[1], linewidths=0.9
    )
