"""Pictures of label maps: colours where classes are, errors where labels differ."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from seqlab.viz.class_scores import class_figure
from seqlab.viz.confusion import confusion_figure
from seqlab.viz.segmentation import segmentation_figure

VOID = 255
CLASSES, PALETTE = ("sky", "$road$", "car"), ("#0000ff", "#ff0000", "#00ff00")
IMAGE = np.full((4, 6, 3), 0.5)
LABELS = np.array([[0] * 6, [0] * 6, [1] * 6, [VOID] * 6], np.uint8)
FOUND = np.array([[0] * 6, [1] + [0] * 5, [1] * 6, [1] * 6], np.uint8)


def panels(figure: Figure) -> dict[str, np.ndarray]:
    return {axes.get_title(): np.asarray(axes.images[0].get_array()) for axes in figure.axes}


def test_one_pixel_in_eighteen_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.png"
    figure = segmentation_figure(IMAGE, FOUND, LABELS, CLASSES, PALETTE, path, void=VOID)
    shown = panels(figure)
    assert list(shown) == ["image", "truth", "found", "errors, 5.6 %"]
    np.testing.assert_allclose(shown["truth"][0, 0], [0.2, 0.2, 0.8])
    np.testing.assert_allclose(shown["truth"][3, 0], [0.8, 0.8, 0.8])  # void
    np.testing.assert_allclose(shown["errors, 5.6 %"][1, 0], [1, 0, 0])  # what was said
    grey = shown["errors, 5.6 %"][3, 0]  # void is no error
    assert grey[0] == grey[1] == grey[2] > 0.5
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["sky", "$road$"]
    assert [file.name for file in path.parent.iterdir()] == ["a.png"]


def test_without_truth_there_are_two_panels(tmp_path: Path) -> None:
    figure = segmentation_figure(IMAGE, FOUND, None, CLASSES, PALETTE, tmp_path / "a.png", void=9)
    assert list(panels(figure)) == ["image", "found"]


def test_sizes_that_differ_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="differ in size"):
        segmentation_figure(IMAGE, FOUND[1:], None, CLASSES, PALETTE, tmp_path / "a.png", void=VOID)


def test_bars_are_sorted_and_leave_out_what_has_no_score(tmp_path: Path) -> None:
    scores = np.array([0.25, np.nan, 0.75])
    figure = class_figure(CLASSES, scores, tmp_path / "a.png", score="IoU")
    axes = figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([75.0, 25.0])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["car", "sky"]
    with pytest.raises(ValueError, match="not all NaN"):
        class_figure(CLASSES, np.full(3, np.nan), tmp_path / "a.png", score="IoU")


def test_rows_of_the_confusion_are_shares(tmp_path: Path) -> None:
    matrix = np.array([[3, 1, 0], [0, 8, 2], [0, 0, 0]])
    figure = confusion_figure(matrix, CLASSES, tmp_path / "a.png")
    shown = np.asarray(figure.axes[0].images[0].get_array())
    np.testing.assert_allclose(shown, [[0.75, 0.25, 0], [0, 0.8, 0.2], [0, 0, 0]])
    assert [text.get_text() for text in figure.axes[0].texts] == ["75", "25", "80", "20"]
    with pytest.raises(ValueError, match="3 classes"):
        confusion_figure(matrix[:2], CLASSES, tmp_path / "a.png")
