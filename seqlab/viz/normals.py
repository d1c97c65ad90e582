"""Directions of surfaces as colours, how far they are off, and how often by how much."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from seqlab.viz.style import COLOURS, VERBATIM, as_image, new_figure, save, styled

PANEL = 2.6  # inches, the longer side of a picture
BAR = 0.55  # inches for the colours of errors and their numbers
WORST = 60.0  # degrees, from which on all errors have one colour
MARKS = (11.25, 22.5, 30.0)  # degrees, at which the field reads the curve

Curve = tuple[NDArray[Any], NDArray[Any]]  # degrees, and the share of pixels with no greater error


def normal_colours(normals: NDArray[Any]) -> NDArray[np.float64]:
    """Red grows to the right, green upwards and blue towards the camera; white where not known.

    Args:
        normals: right, down and away from the camera, of length 1 or 0, [height, width, 3].
    """
    colours = 0.5 + 0.5 * normals * [1.0, -1.0, -1.0]  # [height, width, 3]
    colours[~normals.any(axis=2)] = 1.0
    return colours.clip(0.0, 1.0)


def save_normals(normals: NDArray[Any], path: str | os.PathLike[str]) -> None:
    """Write directions [height, width, 3] as a PNG of their colours."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray((255 * normal_colours(normals)).round().astype(np.uint8))
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".normals-") as folder:
        written = Path(folder) / "normals.png"
        image.save(written)
        written.replace(path)


def normals_figure(
    image: NDArray[Any],
    found: NDArray[Any],
    true: NDArray[Any] | None,
    path: str | os.PathLike[str],
) -> Figure:
    """Draw the picture, the truth, what was found, and by how much it is off; without truth two.

    Args:
        image: height x width x 3, bytes or numbers in 0 to 1.
        found: directions of length 1, [height, width, 3].
        true: directions, 0 where they are not known, [height, width, 3].
        path: of the PNG.

    Raises:
        ValueError: sizes differ.
    """
    picture = as_image(image)
    sizes = [part.shape for part in (picture, found, true) if part is not None]
    if len(set(sizes)) > 1:
        raise ValueError(f"picture and normals differ in size: {sizes}")
    panels = [("image", picture)]
    if true is not None:
        panels.append(("truth", normal_colours(true)))
    panels.append(("found", normal_colours(found)))
    errors = None if true is None else _errors(found, true)
    return _draw(panels, errors, path)


def _errors(found: NDArray[Any], true: NDArray[Any]) -> NDArray[np.float64]:
    """Angles in degrees, [height, width], NaN where the truth is not known."""
    apart = np.linalg.norm(found - true, axis=2)
    together = np.linalg.norm(found + true, axis=2)
    errors = np.degrees(2 * np.arctan2(apart, together))  # [height, width]
    return np.where(true.any(axis=2), errors, np.nan)


def _draw(
    panels: list[tuple[str, NDArray[Any]]],
    errors: NDArray[np.float64] | None,
    path: str | os.PathLike[str],
) -> Figure:
    """Pictures beside each other, then errors with what their colours mean."""
    height, width = panels[0][1].shape[:2]
    scale = PANEL / max(height, width)
    wide, tall = max(width * scale, 0.9), max(height * scale, 0.6)
    count = len(panels) + (errors is not None)
    figure_w = count * (wide + 0.1) + 0.1 + (BAR if errors is not None else 0)
    figure_h = tall + 0.45
    smooth = None if max(height, width) >= 200 else "nearest"
    with styled():
        figure = new_figure(figure_w, figure_h)

        def place(number: int, inches: float = wide) -> tuple[float, float, float, float]:
            left = 0.1 + number * (wide + 0.1)
            return left / figure_w, 0.1 / figure_h, inches / figure_w, tall / figure_h

        for number, (title, panel) in enumerate(panels):
            axes = figure.add_axes(place(number))
            axes.imshow(panel, interpolation=smooth)
            axes.set_title(title, **VERBATIM)
            axes.set_axis_off()
        if errors is not None:
            axes = figure.add_axes(place(len(panels)))
            shown = axes.imshow(errors, cmap="magma_r", vmin=0, vmax=WORST, interpolation=smooth)
            mean = np.nanmean(errors) if np.isfinite(errors).any() else np.nan
            axes.set_title("error" if np.isnan(mean) else f"error, mean {mean:.1f}\N{DEGREE SIGN}")
            axes.set_axis_off()
            bar = figure.colorbar(shown, cax=figure.add_axes(place(count, 0.1)), extend="max")
            bar.set_ticks([0, 20, 40, 60], labels=[f"{n}\N{DEGREE SIGN}" for n in (0, 20, 40, 60)])
            bar.outline.set_visible(False)
        save(figure, path)
    return figure


def error_figure(curves: Mapping[str, Curve], path: str | os.PathLike[str]) -> Figure:
    """Draw the share of pixels whose error is no greater than an angle.

    Args:
        curves: by what they are of.
        path: of the PNG.

    Raises:
        ValueError: there is no curve.
    """
    if not curves:
        raise ValueError("there is no curve to draw")
    with styled():
        figure = new_figure(4.4, 3.2)
        figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
        axes = figure.subplots()
        for colour, (name, (degrees, shares)) in zip(COLOURS, curves.items(), strict=False):
            shown = degrees <= 90
            axes.plot(degrees[shown], 100 * shares[shown], color=colour, label=name)
        for mark in MARKS:
            axes.axvline(mark, color="#B0B0B0", linewidth=0.8, linestyle=":")
        axes.set_xticks(
            [0, *MARKS, 45, 60, 75, 90], ["0", "11", "22", "30", "45", "60", "75", "90"]
        )
        axes.set_xlim(0, 90)
        axes.set_ylim(0, 100)
        axes.set_xlabel("angular error in degrees")
        axes.set_ylabel("% of pixels with no greater error")
        axes.legend(loc="lower right")
        save(figure, path)
    return figure
