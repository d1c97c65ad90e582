"""Where a model looks for each word, as in Xu et al. (2015), figures 2 and 3."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from seqlab.viz.style import INK, VERBATIM, as_image, new_figure, save, styled, wrap

SHADE = 0.4  # brightness of what is not attended to
GLOW = 0.25  # how much white the most attended place gets
LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue; ITU-R BT.601
BLUR = 0.35  # width of the Gaussian, in locations
MOST_COLUMNS = 8  # words beside each other
PANEL = 1.45  # inches, the longer side of an image
SMALLEST = 192  # pixels; smaller images are enlarged so that the light upon them is smooth

Section = tuple[Sequence[str], NDArray[Any]]


def upsample(weights: NDArray[Any], height: int, width: int) -> NDArray[np.float64]:
    """Weights as a smooth map over an image: bilinear, then a Gaussian, as the paper draws them.

    Args:
        weights: attention at each location, [h, w]; a location covers the height / h by width / w
            pixels that it stands for.
        height: of the image in pixels.
        width: of the image in pixels.
    """
    h, w = weights.shape
    rows = (
        np.arange(height) + 0.5
    ) * h / height - 0.5  # in locations, 0 at the centre of the first
    columns = (np.arange(width) + 0.5) * w / width - 0.5
    places = np.meshgrid(rows, columns, indexing="ij")
    large = map_coordinates(weights.astype(np.float64), places, order=1, mode="nearest")
    return gaussian_filter(large, (BLUR * height / h, BLUR * width / w), mode="nearest")


def overlay(image: NDArray[Any], light: NDArray[np.float64]) -> NDArray[np.float64]:
    """The image, dark and pale where the light is 0, bright with a white glow where it is 1.

    Args:
        image: height x width x 3, in 0 to 1.
        light: height x width, in 0 to 1.
    """
    light = light[:, :, None]
    grey = (image @ np.array(LUMINANCE))[:, :, None]
    dark = SHADE * (image + grey) / 2
    bright = image + GLOW * (1 - image)
    return dark * (1 - light) + bright * light


def attention_figure(
    image: NDArray[Any],
    words: Sequence[str],
    weights: NDArray[Any],
    path: str | os.PathLike[str],
    title: str | None = None,
) -> Figure:
    """Draw the image and then, for each word, the image lit where the model looked.

    Each panel is brightest where its weight is greatest, and the number in its corner is that
    weight: on one scale for all, spread-out maps would be black beside a peaked one. Attention that
    is the same everywhere lights the whole image.

    Args:
        image: as the model saw it, height x width x 3, bytes or numbers in 0 to 1.
        words: of the caption, T.
        weights: attention at each word, [T, h, w].
        path: of the PNG.
        title: above all panels.

    Raises:
        ValueError: words and weights differ in number, or something is not as described.
    """
    return attention_rows(image, {"": (words, weights)}, path, title)


def attention_rows(
    image: NDArray[Any],
    rows: Mapping[str, Section],
    path: str | os.PathLike[str],
    title: str | None = None,
) -> Figure:
    """Draw several maps of one image under each other, soft and hard attention for instance.

    Args:
        image: as the models saw it, height x width x 3, bytes or numbers in 0 to 1.
        rows: for each name (soft, hard) the words, T, and the weights, [T, h, w].
        path: of the PNG.
        title: above all panels.

    Raises:
        ValueError: words and weights differ in number, or something is not as described.
    """
    picture = _enlarged(as_image(image))
    if not rows:
        raise ValueError("there are no attention maps to draw")
    for name, (words, weights) in rows.items():
        _check(name, words, weights)
    longest = max(len(words) for words, _ in rows.values())
    columns = -(-longest // -(-longest // MOST_COLUMNS))  # lines as equal as they can be
    lines = sum(-(-len(words) // columns) for words, _ in rows.values())

    height, width = picture.shape[:2]
    panel_w, panel_h = (PANEL * side / max(height, width) for side in (width, height))
    panel_w = max(panel_w, 0.8)
    figure_w = (columns + 1) * (panel_w + 0.08) + 0.16
    with styled():
        headline = wrap(title, figure_w - 0.3, 11.0) if title else []
        top = 0.1 + 0.2 * len(headline)
        figure_h = top + lines * (panel_h + 0.3) + 0.1
        figure = new_figure(figure_w, figure_h)
        if headline:
            figure.text(
                0.12 / figure_w,
                1 - 0.08 / figure_h,
                "\n".join(headline),
                va="top",
                size=11,
                **VERBATIM,
            )

        def panel(line: int, column: int) -> Axes:
            left = 0.12 + column * (panel_w + 0.08)
            bottom = figure_h - top - (line + 1) * (panel_h + 0.3)
            box = (left / figure_w, bottom / figure_h, panel_w / figure_w, panel_h / figure_h)
            return figure.add_axes(box)

        line = 0
        for name, (words, weights) in rows.items():
            _show(panel(line, 0), picture, name, panel_w, weight="bold")
            for number, (word, map_) in enumerate(zip(words, weights, strict=True)):
                axes = panel(line + number // columns, 1 + number % columns)
                light = upsample(map_, height, width)
                _show(axes, overlay(picture, light / light.max()), word, panel_w)
                _corner(axes, f"{map_.max():.2f}")
            line += -(-len(words) // columns)
        save(figure, path)
    return figure


def _check(name: str, words: Sequence[str], weights: NDArray[Any]) -> None:
    where = f"{name}: " if name else ""
    if weights.ndim != 3:
        raise ValueError(f"{where}weights are words x rows x columns, these {weights.shape}")
    if len(words) != len(weights):
        raise ValueError(f"{where}{len(words)} words, but attention at {len(weights)} of them")
    if not len(words):
        raise ValueError(f"{where}the caption has no word")
    if not np.isfinite(weights).all() or weights.min() < 0 or not weights.any(axis=(1, 2)).all():
        raise ValueError(f"{where}some weights are not finite, or negative, or all zero at a word")


def _enlarged(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """The image with each pixel repeated until its shorter side has some pixels."""
    times = -(-SMALLEST // min(image.shape[:2]))
    return image.repeat(times, axis=0).repeat(times, axis=1)


def _show(axes: Axes, picture: NDArray[np.float64], title: str, inches: float, **text: Any) -> None:
    axes.imshow(picture, interpolation="antialiased")
    axes.set_axis_off()
    # A long word is set smaller, down to what can be read, and then cut.
    size = 10.0
    while size > 6.0 and len(wrap(title, inches, size)) > 1:
        size -= 0.5
    axes.set_title(_cut(title, inches, size), size=size, **VERBATIM, **text)


def _cut(text: str, inches: float, size: float) -> str:
    lines = wrap(text, inches, size)
    return text if len(lines) == 1 else lines[0][:-1] + "…"


def _corner(axes: Axes, text: str) -> None:
    axes.text(
        0.97,
        0.03,
        text,
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        size=6.5,
        color="white",
        bbox={"facecolor": INK, "edgecolor": "none", "alpha": 0.6, "pad": 1.2},
    )
