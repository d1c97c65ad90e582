"""Colours of directions, the errors that are drawn, and the curve."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seqlab.viz.normals import error_figure, normals_figure, save_normals

# Right, up, towards the camera, and one that is not known.
TRUE = np.array([[[1.0, 0, 0], [0, -1.0, 0]], [[0, 0, -1.0], [0, 0, 0]]])


def test_each_axis_has_its_colour(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.png"
    save_normals(TRUE, path)
    with Image.open(path) as image:
        pixels = np.array(image)
    expected = [[[255, 128, 128], [128, 255, 128]], [[128, 128, 255], [255, 255, 255]]]
    assert np.abs(pixels.astype(int) - expected).max() <= 1
    assert [file.name for file in path.parent.iterdir()] == ["a.png"]


def test_errors_are_degrees_of_what_is_known(tmp_path: Path) -> None:
    found = np.tile([0.0, 0.0, -1.0], (2, 2, 1))
    figure = normals_figure(np.full((2, 2, 3), 0.5), found, TRUE, tmp_path / "a.png")
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["image", "truth", "found", "error, mean 60.0\N{DEGREE SIGN}", ""]
    shown = np.ma.filled(figure.axes[3].images[0].get_array(), np.nan)
    np.testing.assert_allclose(shown, [[90, 90], [0, np.nan]], atol=1e-6)
    alone = normals_figure(np.full((2, 2, 3), 0.5), found, None, tmp_path / "b.png")
    assert [axes.get_title() for axes in alone.axes] == ["image", "found"]
    with pytest.raises(ValueError, match="differ in size"):
        normals_figure(np.full((3, 2, 3), 0.5), found, None, tmp_path / "c.png")


def test_curves_end_at_ninety_degrees(tmp_path: Path) -> None:
    degrees = np.linspace(0, 180, 181)
    figure = error_figure({"model": (degrees, degrees / 180)}, tmp_path / "a.png")
    (line,) = (each for each in figure.axes[0].lines if each.get_label() == "model")
    assert line.get_xdata()[-1] == 90
    assert line.get_ydata()[-1] == 50
    with pytest.raises(ValueError, match="no curve"):
        error_figure({}, tmp_path / "b.png")
