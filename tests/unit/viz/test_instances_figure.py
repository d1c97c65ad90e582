"""Objects in figures and in label images."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from PIL import Image

from seqlab.viz.instances import Shown, instances_figure, object_numbers, object_palette
from seqlab.viz.segmentation import save_label_map


@pytest.fixture
def shown() -> Shown:
    masks = np.zeros((2, 6, 8), bool)
    masks[0, 1:4, 1:4] = masks[1, 2:6, 3:8] = True
    boxes = np.array([[1, 1, 4, 4], [3, 2, 8, 6]], np.float32)
    return Shown(boxes, masks, ("a $dog$ 0.90", "cup 0.80"))


def test_each_object_has_its_box_and_its_name(shown: Shown, tmp_path: Path) -> None:
    image = np.zeros((6, 8, 3), np.uint8)
    nothing = Shown(np.zeros((0, 4), np.float32), np.zeros((0, 6, 8), bool), ())
    figure = instances_figure(image, shown, nothing, tmp_path / "a.png")
    assert [axes.get_title() for axes in figure.axes] == ["image", "truth", "found"]
    found = figure.axes[2]
    assert [text.get_text() for text in found.texts] == list(shown.captions)
    corners = [each.get_bbox().extents for each in found.patches if isinstance(each, Rectangle)]
    np.testing.assert_allclose(corners, shown.boxes)
    picture = found.images[0].get_array()
    assert picture is not None
    covered = np.asarray(picture).any(axis=2)
    np.testing.assert_array_equal(covered, shown.masks.any(axis=0))
    assert not figure.axes[1].texts
    assert (tmp_path / "a.png").stat().st_size > 1000
    assert len(instances_figure(image, shown, None, tmp_path / "b.png").axes) == 2


def test_the_better_object_owns_what_two_claim(shown: Shown, tmp_path: Path) -> None:
    numbers = object_numbers(shown.masks)
    assert numbers[2, 3] == 1
    assert numbers[5, 7] == 2
    assert numbers[0, 0] == 0
    save_label_map(numbers, object_palette(2), tmp_path / "numbers.png")
    with Image.open(tmp_path / "numbers.png") as image:
        np.testing.assert_array_equal(np.asarray(image), numbers)


def test_masks_of_another_size_are_refused(shown: Shown, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\(6, 8\) do not fit a picture of \(5, 8\)"):
        instances_figure(np.zeros((5, 8, 3)), shown, None, tmp_path / "a.png")
