"""Objects that were found: outlined, boxed and named, beside the truth."""

import os
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from seqlab.viz.style import VERBATIM, as_image, new_figure, save, styled

PANEL = 3.2  # inches, the longer side of a picture
COVER = 0.55  # how much of an object's pixel is its colour
# Neighbours in this list are far apart in hue; they are used in turn.
OBJECT_COLOURS = (
    "#d73a3a",
    "#3a6fd7",
    "#e0b62e",
    "#3aa655",
    "#9a4fc4",
    "#e07b2e",
    "#2ea8b8",
    "#c4478f",
    "#7a8b2a",
    "#6b5bd6",
)


class Shown(NamedTuple):
    """Objects as they are drawn."""

    boxes: NDArray[np.float32]  # [N, 4], left, top, right, bottom in pixels
    masks: NDArray[np.bool_]  # [N, height, width]
    captions: tuple[str, ...]  # N


def instances_figure(
    image: NDArray[Any], found: Shown, true: Shown | None, path: str | os.PathLike[str]
) -> Figure:
    """Draw the picture, the true objects where they are known, and those that were found.

    Args:
        image: height x width x 3, bytes or numbers in 0 to 1.
        found: what was found, best first.
        true: what is there; None where it is not known.
        path: of the PNG.

    Raises:
        ValueError: masks are not as large as the image.
    """
    picture = as_image(image)
    height, width = picture.shape[:2]
    panels = [("image", None), ("truth", true), ("found", found)]
    panels = [each for each in panels if each[0] != "truth" or true is not None]
    for _, shown in panels:
        if shown is not None and shown.masks.shape[1:] != (height, width):
            raise ValueError(
                f"masks of {shown.masks.shape[1:]} do not fit a picture of {(height, width)}"
            )
    scale = PANEL / max(height, width)
    wide, tall = max(width * scale, 0.9), max(height * scale, 0.3)
    figure_w, figure_h = len(panels) * (wide + 0.1) + 0.1, tall + 0.4
    with styled():
        figure = new_figure(figure_w, figure_h)
        for number, (title, shown) in enumerate(panels):
            left = (0.1 + number * (wide + 0.1)) / figure_w
            place = (left, 0.1 / figure_h, wide / figure_w, tall / figure_h)
            axes = figure.add_axes(place)
            axes.imshow(
                picture if shown is None else _covered(picture, shown.masks),
                extent=(0, width, height, 0),
                interpolation="nearest" if max(height, width) < 200 else None,
            )
            axes.set_title(title, **VERBATIM)
            axes.set_axis_off()
            if shown is not None:
                _name(axes, shown, width)
        save(figure, path)
    return figure


def _name(axes: Axes, shown: Shown, width: int) -> None:
    """Draw each object's box, and write its caption at it."""
    for number, (box, caption) in enumerate(zip(shown.boxes, shown.captions, strict=True)):
        left, top, right, bottom = box.tolist()
        colour = OBJECT_COLOURS[number % len(OBJECT_COLOURS)]
        frame = Rectangle((left, top), right - left, bottom - top, fill=False, ec=colour, lw=1.0)
        axes.add_patch(frame)
        on_right = left > 0.7 * width
        axes.text(
            right if on_right else left,
            top,
            caption,
            fontsize=6.0,
            color="white",
            ha="right" if on_right else "left",
            va="top",
            clip_on=True,
            bbox={"facecolor": colour, "edgecolor": "none", "pad": 0.8},
            **VERBATIM,
        )


def _covered(picture: NDArray[np.float64], masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """A picture whose objects have a colour each; better ones on top."""
    covered = picture.copy()
    for number in range(len(masks) - 1, -1, -1):
        colour = np.array(to_rgb(OBJECT_COLOURS[number % len(OBJECT_COLOURS)]))
        covered[masks[number]] = (1 - COVER) * picture[masks[number]] + COVER * colour
    return covered


def object_palette(count: int) -> list[str]:
    """Colours of a label image: black for none, then those of objects in the figure's order."""
    rest = [OBJECT_COLOURS[n % len(OBJECT_COLOURS)] for n in range(min(count, 255))]
    return ["#000000", *rest]


def object_numbers(masks: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Whose each pixel is, [height, width]: n + 1 for object n, 0 for none; better ones on top.

    Args:
        masks: [N, height, width], best first; those after the first 255 are left out.
    """
    numbers = np.zeros(masks.shape[1:], np.uint8)
    for number in range(min(len(masks), 255) - 1, -1, -1):
        numbers[masks[number]] = number + 1
    return numbers
