"""The one look of all figures, and how they are made and saved without touching global state."""

import os
import tempfile
import textwrap
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from numpy.typing import NDArray

# Okabe and Ito (2008): told apart with every common colour blindness, and in grey by lightness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
INK, FAINT = "#222222", "#767676"

# For text that is not ours: two dollar signs in a caption are no formula.
VERBATIM = {"parse_math": False}

_STYLE: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same figure on every machine
    "font.size": 9.0,
    "text.color": INK,
    "axes.titlesize": 9.0,
    "axes.titlepad": 4.0,
    "axes.labelsize": 8.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#B0B0B0",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.7,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "savefig.dpi": 150,
}


@contextmanager
def styled() -> Iterator[None]:
    """Make and save figures in the project's style; the caller's settings come back after it."""
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        # A glyph that no font has is drawn as a box: better than no figure, no reason to worry.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches, drawn by Agg whatever backend the process uses."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a PNG under a temporary name and rename it; missing folders are made."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".figure-") as folder:
        written = Path(folder) / "figure.png"
        figure.savefig(written, format="png")
        written.replace(path)


def as_image(image: NDArray[Any]) -> NDArray[np.float64]:
    """An image with values 0 to 1, from one of bytes 0 to 255 or of numbers 0 to 1.

    Args:
        image: height x width x 3.

    Raises:
        ValueError: another shape, or a number that is not between 0 and 1.
    """
    if image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"an image is height x width x 3, this is {image.shape}")
    if image.dtype == np.uint8:
        return image / 255.0
    image = image.astype(np.float64)
    if not (image.min() >= -1e-3 and image.max() <= 1 + 1e-3):  # also of NaN
        raise ValueError(f"an image lies in 0 to 1, this in {image.min():.3g} to {image.max():.3g}")
    return image.clip(0.0, 1.0)


def text_width(text: str, font_size: float) -> float:
    """Inches that a text takes as the figure's font writes it, where it has the letters."""
    renderer = new_figure(1, 1).canvas.get_renderer()  # type: ignore[attr-defined]
    font = FontProperties(size=font_size)
    width, _, _ = renderer.get_text_width_height_descent(text, font, False)
    return float(width) / renderer.dpi


def wrap(text: str, inches: float, font_size: float) -> list[str]:
    """Lines of the text that fit the width, wide letters of East Asian scripts counted twice."""
    columns = max(int(inches * 72 / (0.58 * font_size)), 8)
    lines: list[str] = []
    for line in textwrap.wrap(text, columns) or [""]:
        while _columns(line) > columns:
            cut = next(n for n in range(1, len(line) + 1) if _columns(line[:n]) > columns - 1)
            lines.append(line[:cut])
            line = line[cut:]
        lines.append(line)
    return lines


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
