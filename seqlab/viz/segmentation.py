"""What each pixel was taken for: over the picture, beside the truth, and where it is wrong."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from PIL import Image

from seqlab.viz.style import COLOURS, VERBATIM, as_image, new_figure, save, styled

PANEL = 2.6  # inches, the longer side of a picture
COVER = 0.6  # how much of a pixel is its class's colour
PALE = 0.35  # how much is left of a pixel's grey where it is right
VOID_COLOUR = (1.0, 1.0, 1.0)
ENTRY = 1.5  # inches that a class takes in the legend


def save_label_map(
    labels: NDArray[np.uint8], palette: Sequence[str], path: str | os.PathLike[str]
) -> None:
    """Write classes as a PNG of one byte a pixel whose palette has their colours; others are white.

    Args:
        labels: classes, [height, width].
        palette: colour of each class, such as `#804000`.
        path: of the PNG; it appears whole or not at all.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    colours = np.full((256, 3), 255, np.uint8)
    colours[: len(palette)] = [[round(255 * part) for part in to_rgb(each)] for each in palette]
    image = Image.fromarray(labels, mode="P")
    image.putpalette(colours.tobytes())
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".labels-") as folder:
        written = Path(folder) / "labels.png"
        image.save(written)
        written.replace(path)


def segmentation_figure(
    image: NDArray[Any],
    found: NDArray[np.uint8],
    labels: NDArray[np.uint8] | None,
    classes: Sequence[str],
    palette: Sequence[str],
    path: str | os.PathLike[str],
    *,
    void: int,
) -> Figure:
    """Draw the picture, the truth, what was found, and the errors; without truth two of them.

    Errors are drawn in the colour of the class that was said, on a pale picture; void pixels are
    white where the truth is shown, and count as right.

    Args:
        image: height x width x 3, bytes or numbers in 0 to 1.
        found: classes, [height, width].
        labels: classes, [height, width], where they are known.
        classes: names of all classes.
        palette: their colours.
        path: of the PNG.
        void: label of a pixel whose class is not known.

    Raises:
        ValueError: sizes differ.
    """
    picture = as_image(image)
    if picture.shape[:2] != found.shape or (labels is not None and labels.shape != found.shape):
        sizes = [part.shape for part in (picture, found, labels) if part is not None]
        raise ValueError(f"picture and labels differ in size: {sizes}")
    panels = [("image", picture)]
    if labels is not None:
        panels.append(("truth", _covered(picture, labels, palette)))
    panels.append(("found", _covered(picture, found, palette)))
    if labels is not None:
        wrong = (found != labels) & (labels != void)
        share = wrong.sum() / max((labels != void).sum(), 1)
        pale = 1 - PALE * (1 - picture.mean(axis=2, keepdims=True).repeat(3, axis=2))
        errors = np.where(wrong[:, :, None], _colours(found, palette), pale)
        panels.append((f"errors, {100 * share:.1f} %", errors))
    shown = [found] if labels is None else [found, labels]
    present = [each for each in np.unique(np.stack(shown)) if each != void]
    return _draw(panels, [classes[each] for each in present], [palette[n] for n in present], path)


def _draw(
    panels: Sequence[tuple[str, NDArray[Any]]],
    names: Sequence[str],
    colours: Sequence[str],
    path: str | os.PathLike[str],
) -> Figure:
    """Pictures beside each other, and a legend below."""
    height, width = panels[0][1].shape[:2]
    scale = PANEL / max(height, width)
    wide, tall = max(width * scale, 0.9), max(height * scale, 0.3)
    figure_w = len(panels) * (wide + 0.1) + 0.1
    columns = max(1, int(figure_w / ENTRY))
    legend_h = 0.2 * -(-len(names) // columns) + 0.15
    figure_h = tall + 0.35 + legend_h
    with styled():
        figure = new_figure(figure_w, figure_h)
        for number, (title, panel) in enumerate(panels):
            left = 0.1 + number * (wide + 0.1)
            box = (left / figure_w, legend_h / figure_h, wide / figure_w, tall / figure_h)
            axes = figure.add_axes(box)
            axes.imshow(panel, interpolation="nearest" if max(height, width) < 200 else None)
            axes.set_title(title, **VERBATIM)
            axes.set_axis_off()
        patches = [
            Patch(facecolor=colour, edgecolor=COLOURS[6], linewidth=0.4, label=name)
            for name, colour in zip(names, colours, strict=True)
        ]
        figure.legend(handles=patches, loc="lower left", ncols=columns, handlelength=1.2)
        save(figure, path)
    return figure


def _colours(labels: NDArray[np.uint8], palette: Sequence[str]) -> NDArray[np.float64]:
    """The colour of each pixel's class, [height, width, 3]."""
    table = np.tile(VOID_COLOUR, (256, 1))
    table[: len(palette)] = [to_rgb(colour) for colour in palette]
    return table[labels]


def _covered(
    picture: NDArray[np.float64], labels: NDArray[np.uint8], palette: Sequence[str]
) -> NDArray[np.float64]:
    """A picture in grey under the colours of its pixels' classes."""
    grey = picture.mean(axis=2, keepdims=True)
    return (1 - COVER) * grey + COVER * _colours(labels, palette)
