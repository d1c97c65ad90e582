"""Images with what a model said of them and what people said."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from numpy.typing import NDArray

from seqlab.viz.style import COLOURS, FAINT, VERBATIM, as_image, new_figure, save, styled, wrap

COLUMNS = 4
CELL = 2.4  # inches, width of an image and its text
GAP = 0.2  # inches
LARGE, SMALL = 9.0, 7.5  # points


class _Line(NamedTuple):
    text: str
    size: float
    colour: str
    weight: str

    @property
    def height(self) -> float:
        return self.size * 1.35 / 72  # inches


def caption_gallery(
    images: Sequence[NDArray[Any]],
    hypotheses: Sequence[str],
    path: str | os.PathLike[str],
    *,
    log_probabilities: Sequence[float],
    references: Sequence[Sequence[str]] | None = None,
    title: str | None = None,
) -> Figure:
    """Draw a grid of images; under each the caption, its log-probability and the references.

    Args:
        images: each height x width x 3, bytes or numbers in 0 to 1; sizes may differ.
        hypotheses: the model's caption of each.
        path: of the PNG.
        log_probabilities: of each caption, natural logarithm.
        references: the true captions of each; None for photos that nobody described.
        title: above the grid.

    Raises:
        ValueError: there is no image, or the numbers differ.
    """
    if references is None:
        references = [()] * len(images)
    counts = [len(part) for part in (images, hypotheses, log_probabilities, references)]
    if len(set(counts)) != 1 or not counts[0]:
        raise ValueError(
            "{} images, {} captions, {} log-probabilities and {} lists of references: there must "
            "be one of each, and at least one image".format(*counts)
        )
    pictures = [as_image(image) for image in images]
    with styled():
        texts = [
            _lines(*words) for words in zip(hypotheses, log_probabilities, references, strict=True)
        ]
        columns = min(COLUMNS, len(pictures))
        width = columns * (CELL + GAP) + GAP
        rows = [range(n, min(n + columns, len(pictures))) for n in range(0, len(pictures), columns)]
        # Tall photos are shown no taller than wide, so that text stays beside its like.
        tops = [
            max(min(pictures[n].shape[0] / pictures[n].shape[1], 1) for n in row) for row in rows
        ]
        texts_h = [max(sum(line.height for line in texts[n]) for n in row) for row in rows]
        headline = wrap(title, width - 2 * GAP, 11.0) if title else []
        top = GAP + 0.22 * len(headline)
        height = top + sum(t * CELL + 0.08 + h + GAP for t, h in zip(tops, texts_h, strict=True))
        figure = new_figure(width, height)
        figure.text(
            GAP / width, 1 - 0.1 / height, "\n".join(headline), va="top", size=11, **VERBATIM
        )

        y = height - top  # of the upper edge of the row, from below
        for row, share, text_h in zip(rows, tops, texts_h, strict=True):
            for column, number in enumerate(row):
                x = GAP + column * (CELL + GAP)
                box = (x / width, (y - share * CELL) / height, CELL / width, share * CELL / height)
                axes = figure.add_axes(box, anchor="SW")
                axes.imshow(pictures[number], interpolation="antialiased")
                axes.set_axis_off()
                _write(figure, x, y - share * CELL - 0.08, texts[number])
            y -= share * CELL + 0.08 + text_h + GAP
        save(figure, path)
    return figure


def _lines(hypothesis: str, log_probability: float, references: Sequence[str]) -> list[_Line]:
    lines = [_Line(text, LARGE, COLOURS[0], "bold") for text in wrap(hypothesis, CELL / 1.1, LARGE)]
    lines.append(_Line(f"log p = {log_probability:.2f}", SMALL, FAINT, "normal"))
    for reference in references:
        first, *rest = wrap(reference, CELL - 0.1, SMALL)
        lines.append(_Line(f"· {first}", SMALL, FAINT, "normal"))
        lines.extend(_Line(f"  {text}", SMALL, FAINT, "normal") for text in rest)
    return lines


def _write(figure: Figure, x: float, y: float, lines: Sequence[_Line]) -> None:
    width, height = figure.get_size_inches()
    for line in lines:
        figure.text(
            x / width,
            y / height,
            line.text,
            va="top",
            size=line.size,
            color=line.colour,
            weight=line.weight,
            **VERBATIM,
        )
        y -= line.height
