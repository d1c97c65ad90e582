"""How a score falls with the length of the source, as in Bahdanau et al. (2015), figure 2."""

import os
from collections.abc import Sequence

from matplotlib.figure import Figure

from seqlab.viz.style import COLOURS, VERBATIM, new_figure, save, styled

BAR = 0.7  # inches that a bar and what is beside it take


def length_figure(
    ranges: Sequence[tuple[int, int]],
    scores: Sequence[float],
    counts: Sequence[int],
    path: str | os.PathLike[str],
    *,
    metric: str = "BLEU",
    overall: float | None = None,
    length: str = "words of the source",
    examples: str = "sentences",
) -> Figure:
    """Draw a bar for the sentences of like length, and how many each stands for.

    Args:
        ranges: words of the shortest and of the longest source of each bar.
        scores: of the sentences of each bar together, 0 or more.
        counts: sentences of each bar.
        path: of the PNG.
        metric: what the scores are.
        overall: score of all sentences together, drawn as a line.
        length: what a range counts, where it is not words.
        examples: what a count counts, where it is not sentences.

    Raises:
        ValueError: there is no bar, or the numbers differ.
    """
    if not ranges or not len(ranges) == len(scores) == len(counts):
        raise ValueError(
            f"{len(ranges)} ranges, {len(scores)} scores and {len(counts)} counts: there must be "
            "one of each, and at least one bar"
        )
    with styled():
        figure = new_figure(max(BAR * len(ranges), 2.6) + 0.9, 3.2)
        figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
        axes = figure.subplots()
        bars = axes.bar(range(len(ranges)), scores, width=0.72, color=COLOURS[0], zorder=2)
        for label in axes.bar_label(bars, fmt="%.1f", size=8, padding=2):
            label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.8})
            label.set_zorder(4)  # the line of all sentences may pass behind it
        axes.set_ylim(0, 1.12 * max(*scores, overall or 0.0, 1.0))
        if overall is not None:
            line = axes.axhline(overall, color=COLOURS[1], linewidth=1.2, linestyle="--", zorder=3)
            line.set_label(f"all {sum(counts):,} {examples}: {overall:.1f}")
            figure.legend(loc="outside upper right")
        names = [str(low) if low == high else f"{low}\N{EN DASH}{high}" for low, high in ranges]
        axes.set_xticks(
            range(len(ranges)),
            [f"{name}\nn = {count:,}" for name, count in zip(names, counts, strict=True)],
        )
        side = max(0.6, 1.8 - len(ranges) / 2)  # a lone bar does not fill the figure
        axes.set_xlim(-side, len(ranges) - 1 + side)
        axes.grid(False, axis="x")
        axes.set_xlabel(f"{length}; n {examples}", **VERBATIM)
        axes.set_ylabel(metric, **VERBATIM)
        save(figure, path)
    return figure
