"""Caption galleries: every text under its image, nothing over another."""

from pathlib import Path

import numpy as np
import pytest

from seqlab.viz.captions import caption_gallery
from seqlab.viz.style import wrap


@pytest.mark.filterwarnings("ignore:Glyph")
def test_images_and_texts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sizes = [(40, 60), (90, 30), (50, 50), (20, 20), (64, 64)]
    images = [rng.random((*size, 3)) for size in sizes]
    captions = ["a dog", "", "日本の犬が草の上を走っている" * 4, r"cost $\frac$ 5 " * 20, "a cat"]
    references = [["a brown dog runs over very wet grass near a lake"] * 5, [], [""], ["x"], ["y"]]
    figure = caption_gallery(
        images,
        captions,
        tmp_path / "a.png",
        log_probabilities=[-1.25, -2, -3, -4, -5],
        references=references,
        title="Test images",
    )
    assert len(figure.axes) == len(images)
    texts = [text.get_text() for text in figure.texts]
    assert texts[0] == "Test images"
    assert {"a dog", "log p = -1.25", "a cat", "log p = -5.00", "· y"} <= set(texts)
    assert sum(text.startswith("· a brown dog") for text in texts) == 5
    assert "".join(texts).count("日本の犬") == 4  # long lines are broken, not cut
    assert (tmp_path / "a.png").stat().st_size > 10_000

    renderer = figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in figure.texts if text.get_text()]
    boxes += [axes.get_window_extent(renderer) for axes in figure.axes]
    for number, box in enumerate(boxes):
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.width
        assert box.y1 <= figure.bbox.height
        for other in boxes[:number]:
            assert not box.padded(-1.5).overlaps(other.padded(-1.5))


def test_photos_without_references(tmp_path: Path) -> None:
    figure = caption_gallery(
        [np.zeros((8, 8, 3), dtype=np.uint8)], ["a dog"], tmp_path / "a.png", log_probabilities=[-2]
    )
    assert [text.get_text() for text in figure.texts] == ["", "a dog", "log p = -2.00"]


def test_numbers_that_differ(tmp_path: Path) -> None:
    image = np.zeros((8, 8, 3))
    message = "2 images, 1 captions, 1 log-probabilities and 1 lists"
    with pytest.raises(ValueError, match=message):
        caption_gallery(
            [image, image], ["a"], tmp_path / "a.png", log_probabilities=[-1.0], references=[[]]
        )
    with pytest.raises(ValueError, match="at least one image"):
        caption_gallery([], [], tmp_path / "a.png", log_probabilities=[])


def test_wrapping_counts_wide_letters_twice() -> None:
    # 0.58 x 10 points a letter: 20 columns.
    inches = 20.5 * 5.8 / 72
    assert wrap("one two three four five", inches, 10.0) == ["one two three four", "five"]
    assert wrap("字" * 25, inches, 10.0) == ["字" * 10, "字" * 10, "字" * 5]
    assert wrap("", inches, 10.0) == [""]
