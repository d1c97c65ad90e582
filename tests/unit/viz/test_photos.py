"""Photos beside what was said of them."""

from pathlib import Path

import numpy as np
import pytest

from seqlab.viz.photos import Photo, photo_figure

CLASSES = ("cat", "a $strange$ dog", "bird", "cow", "fish")


def test_likeliest_classes_and_what_is_shown(tmp_path: Path) -> None:
    image = np.random.default_rng(0).random((6, 8, 3))
    photos = [
        Photo("one.jpg", image, np.array([0.1, 0.7, 0.0, 0.05, 0.15]), ("bird", "cat")),
        Photo("two.jpg", image, np.array([0.9, 0.1, 0.0, 0.0, 0.0]), None),
        Photo("three.jpg", image, np.array([0.9, 0.1, 0.0, 0.0, 0.0]), ()),
    ]
    figure = photo_figure(photos, CLASSES, tmp_path / "photos.png")
    assert (tmp_path / "photos.png").read_bytes().startswith(b"\x89PNG")
    titles = [text.get_text() for text in figure.texts]
    assert titles == ["shows bird, cat", "two.jpg", "shows none of the classes"]
    bars = figure.axes[1]
    assert [bar.get_width() for bar in bars.patches] == pytest.approx([70, 15, 10, 5])
    named = {text.get_text(): text.get_weight() for text in bars.texts}
    assert named["a $strange$ dog"] == "normal"
    assert named["cat"] == "bold"
    with pytest.raises(ValueError, match="5 classes"):
        photo_figure([photos[0]._replace(probabilities=np.ones(3))], CLASSES, tmp_path / "x.png")
