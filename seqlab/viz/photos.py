"""Photos beside what was said of them."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from seqlab.viz.style import COLOURS, FAINT, VERBATIM, as_image, new_figure, save, styled, wrap

PANEL = 2.1  # inches, side of a photo
COLUMNS = 4
NAMED = 4  # classes whose probability is drawn
BARS = 1.15  # inches that they take
TITLE = 0.46  # inches above a photo, two lines


class Photo(NamedTuple):
    """A photo and what was said of it."""

    name: str
    image: NDArray[Any]  # height x width x 3, bytes or numbers in 0 to 1
    probabilities: NDArray[Any]  # [C]
    shown: tuple[str, ...] | None  # classes that it shows; None where that is not known


def photo_figure(
    photos: Sequence[Photo], classes: Sequence[str], path: str | os.PathLike[str]
) -> Figure:
    """Draw photos with their likeliest classes, those that they do show in another colour.

    Args:
        photos: at least one.
        classes: names of all classes, C.
        path: of the PNG.

    Raises:
        ValueError: there is no photo, or probabilities are not of that many classes.
    """
    if not photos or any(photo.probabilities.shape != (len(classes),) for photo in photos):
        shapes = [photo.probabilities.shape for photo in photos]
        raise ValueError(f"{len(classes)} classes and photos with probabilities {shapes}")
    columns = min(COLUMNS, len(photos))
    rows = -(-len(photos) // columns)
    cell_w, cell_h = PANEL + 0.2, TITLE + PANEL + BARS + 0.1
    width, height = columns * cell_w + 0.1, rows * cell_h + 0.1
    with styled():
        figure = new_figure(width, height)
        for number, photo in enumerate(photos):
            left = 0.1 + (number % columns) * cell_w
            top = height - 0.05 - (number // columns) * cell_h
            lines = wrap(_title(photo), PANEL, 8.0)[:2]
            above = (top - TITLE + 0.05) / height
            text = "\n".join(lines)
            figure.text(left / width, above, text, va="bottom", size=8.0, **VERBATIM)
            box = (left / width, (top - TITLE - PANEL) / height, PANEL / width, PANEL / height)
            axes = figure.add_axes(box)
            axes.imshow(as_image(photo.image))
            axes.set_axis_off()
            bottom = top - TITLE - PANEL - BARS + 0.06
            box = (left / width, bottom / height, PANEL / width, (BARS - 0.12) / height)
            _draw_bars(figure.add_axes(box), photo, classes)
        save(figure, path)
    return figure


def _title(photo: Photo) -> str:
    if photo.shown is None:
        return photo.name
    return f"shows {', '.join(photo.shown)}" if photo.shown else "shows none of the classes"


def _draw_bars(axes: Axes, photo: Photo, classes: Sequence[str]) -> None:
    """The likeliest classes, the best on top, named within their bars' rows."""
    best = np.argsort(-photo.probabilities, kind="stable")[:NAMED]
    right = [photo.shown is not None and classes[index] in photo.shown for index in best]
    percent = 100 * photo.probabilities[best]
    colours = [COLOURS[2] if each else COLOURS[5] for each in right]
    places = range(len(best))
    axes.barh(places, percent, color=colours, height=0.8)
    for place, index in enumerate(best):
        weight = "bold" if right[place] else "normal"
        axes.text(1.5, place, classes[index], va="center", size=7.0, weight=weight, **VERBATIM)
        axes.text(100, place, f"{percent[place]:.1f}", va="center", ha="right", size=7.0)
    axes.axvline(100, color=FAINT, linewidth=0.5)
    axes.set_xlim(0, 100)
    axes.set_ylim(NAMED - 0.4, -0.6)
    axes.set_axis_off()
