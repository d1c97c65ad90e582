"""Figures of features."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seqlab.viz.features import compactness_figure, embedding_figure


def test_compactness(tmp_path: Path) -> None:
    curve = {50: 0.8, 10: 0.5}
    figure = compactness_figure(curve, tmp_path / "a.png", whole=0.9, num_features=64)
    points, whole = figure.axes[0].lines
    np.testing.assert_allclose(points.get_xydata(), [[10, 50], [50, 80]])
    assert whole.get_ydata()[0] == pytest.approx(90)
    assert Image.open(tmp_path / "a.png").size[0] > 100
    with pytest.raises(ValueError, match="at least one"):
        compactness_figure({}, tmp_path / "b.png", whole=0.9, num_features=64)


def test_embedding(tmp_path: Path) -> None:
    """Each class has a look of its own and its name, dollars and all, in the legend."""
    points = np.random.default_rng(0).normal(size=(40, 2))
    classes = [f"${n}$" for n in range(10)]
    figure = embedding_figure(points, np.arange(40) % 10, classes, tmp_path / "a.png")
    drawn = figure.axes[0].collections
    looks = {(str(each.get_facecolor()), len(each.get_paths()[0].vertices)) for each in drawn}
    assert len(looks) == 10
    np.testing.assert_allclose(drawn[3].get_offsets(), points[3::10])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == classes
    with pytest.raises(ValueError, match="do not fit"):
        embedding_figure(points, np.arange(40) % 10, classes[:9], tmp_path / "b.png")
