"""What each hop of a memory network reads of a story, as in Sukhbaatar et al. (2015), figure 2."""

import os
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from seqlab.viz.style import COLOURS, FAINT, INK, VERBATIM, new_figure, save, styled, text_width

ROW, CELL, MARGIN = 0.25, 0.62, 0.15  # inches: height of a row, width of a cell, around all
SIZE = 8.5  # points
BOLD = 1.15  # how much wider bold letters may be
LONGEST = 72  # letters of a fact
MOST_ROWS = 24
DARK = 0.55  # a weight from which on its number is white


class Gap(NamedTuple):
    """Facts in a row that are left out."""

    num_facts: int
    greatest: float  # weight of any hop on any of them

    def __str__(self) -> str:
        facts = "1 fact" if self.num_facts == 1 else f"{self.num_facts} facts"
        return f"... {facts} with at most {self.greatest:.2f}"


def choose_facts(
    attention: NDArray[Any], supporting: Collection[int], most: int
) -> list[int | Gap]:
    """The facts that are worth a row each, in the order of telling, and gaps for the others.

    Args:
        attention: what each hop reads, [K, M].
        supporting: facts that the answer needs, which are all shown.
        most: rows. Of a story with more facts, half as many are shown, the most attended ones:
            there may be a gap before each.
    """
    greatest = attention.max(axis=0)  # [M]
    kept = {*range(len(greatest))}
    if len(kept) > most:
        kept = {*np.argsort(-greatest, kind="stable")[: most // 2].tolist(), *supporting}
    rows: list[int | Gap] = []
    left_out: list[int] = []
    for fact in range(len(greatest) + 1):
        if fact < len(greatest) and fact not in kept:
            left_out.append(fact)
            continue
        if left_out:
            rows.append(Gap(len(left_out), float(greatest[left_out].max())))
            left_out = []
        if fact < len(greatest):
            rows.append(fact)
    return rows


def hop_figure(
    facts: Sequence[str],
    attention: NDArray[Any],
    path: str | os.PathLike[str],
    *,
    question: str,
    answer: str,
    probability: float,
    supporting: Collection[int] | None = None,
    accepted: Sequence[str] = (),
) -> Figure:
    """Draw the story, a row for each fact, with what each hop reads of it, the darker the more.

    Of a story with many facts those are left out that no hop reads much. In a linear start, where
    weights are no probabilities, those below 0 are white and those above 1 as dark as 1.

    Args:
        facts: of the story, M.
        attention: what each hop reads, [K, M].
        path: of the PNG.
        question: that was asked.
        answer: that was given.
        probability: of the answer.
        supporting: facts that the answer needs, which are marked; None where nobody says.
        accepted: answers that are right, where they are known.

    Raises:
        ValueError: facts and attention differ in number, there is no fact, or a weight is none.
    """
    _check(facts, attention)
    rows = choose_facts(attention, supporting or (), MOST_ROWS)
    below = (question, _verdict(answer, probability, accepted))
    hops = [f"hop {hop + 1}" for hop in range(len(attention))]
    columns = hops if supporting is None else ["support", *hops]
    with styled():
        texts = [str(row) if isinstance(row, Gap) else _cut(facts[row]) for row in rows]
        left = MARGIN + BOLD * max(text_width(text, SIZE) for text in (*texts, *below)) + 0.15
        width = left + CELL * len(columns) + MARGIN
        height = 2 * MARGIN + ROW * (1 + len(rows) + len(below)) + 0.1
        figure = new_figure(width, height)
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
        axes.set_axis_off()
        y = height - MARGIN - ROW / 2  # of the middle of a row
        for number, name in enumerate(columns):
            _write(axes, left + CELL * (number + 0.5), y, name, ha="center", color=FAINT)
        for row, text in zip(rows, texts, strict=True):
            y -= ROW
            if isinstance(row, Gap):
                _write(axes, MARGIN, y, text, color=FAINT)
                continue
            is_support = supporting is not None and row in supporting
            _write(axes, MARGIN, y, text, weight="bold" if is_support else "normal")
            if is_support:
                _write(axes, left + CELL / 2, y, "yes", ha="center", weight="bold")
            _cells(axes, left + CELL * (len(columns) - len(hops)), y, attention[:, row])
        y -= ROW + 0.1
        right = not accepted or answer in accepted
        _write(axes, MARGIN, y, below[0], weight="bold")
        _write(axes, MARGIN, y - ROW, below[1], color=COLOURS[0] if right else COLOURS[1])
        save(figure, path)
    return figure


def _check(facts: Sequence[str], attention: NDArray[Any]) -> None:
    if attention.ndim != 2 or attention.shape[1] != len(facts):
        raise ValueError(f"{len(facts)} facts, but attention {attention.shape}, not [hops, facts]")
    if not attention.size:
        raise ValueError("there is no fact, or no hop")
    if not np.isfinite(attention).all():
        raise ValueError("some weights are no finite number")


def _verdict(answer: str, probability: float, accepted: Sequence[str]) -> str:
    said = f"{answer} ({probability:.2f})"
    if not accepted:
        return said
    return f"{said}, right" if answer in accepted else f"{said}; right is {' or '.join(accepted)}"


def _cut(fact: str) -> str:
    return fact if len(fact) <= LONGEST else fact[: LONGEST - 1] + "…"


def _write(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    axes.text(x, y, text, va="center", size=SIZE, **{"color": INK, **style}, **VERBATIM)


def _cells(axes: Axes, x: float, y: float, weights: NDArray[Any]) -> None:
    """The weights of a fact, a cell for each hop, from x on and around y."""
    colours = mpl.colormaps["Blues"]
    for number, weight in enumerate(weights.tolist()):
        shade = min(max(weight, 0.0), 1.0)
        left = x + CELL * number
        box = {"facecolor": colours(shade), "edgecolor": "#E6E6E6", "linewidth": 0.6}
        axes.add_patch(Rectangle((left, y - ROW / 2), CELL, ROW, **box))
        ink = "white" if shade > DARK else INK
        _write(axes, left + CELL / 2, y, f"{weight:.2f}", ha="center", color=ink)
