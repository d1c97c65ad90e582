"""The strip of frames with the attention at each word."""

from pathlib import Path

import numpy as np
import pytest

from seqlab.viz.video import save_moving_picture
from seqlab.viz.video_captions import SHOWN, caption_strip

WORDS = ["a", "red", "disc"]


def weights(num_frames: int) -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.ones(num_frames), size=len(WORDS))


@pytest.mark.parametrize("num_frames", [1, 6, 40])
def test_frames_words_and_shades_are_drawn(num_frames: int, tmp_path: Path) -> None:
    frames = np.full((num_frames, 8, 12, 3), 100, np.uint8)
    telling = np.arange(num_frames) == num_frames // 2
    shades = weights(num_frames)
    references = ["a $5 disc", "a red one"]
    path = tmp_path / "strip.png"
    figure = caption_strip(
        frames, WORDS, path, weights=shades, telling=telling, references=references
    )
    assert path.stat().st_size > 1000
    drawn = figure.axes
    shown = min(num_frames, SHOWN)
    assert [axes.images[0].get_array().shape for axes in drawn[:shown]] == [(8, 12, 3)] * shown
    mark, matrix = drawn[shown], drawn[shown + 1]
    (patch,) = mark.patches
    assert patch.get_extents().x0 == pytest.approx(
        mark.transData.transform((num_frames // 2, 0))[0]
    )
    np.testing.assert_array_equal(matrix.images[0].get_array(), shades)
    assert [label.get_text() for label in matrix.get_yticklabels()] == WORDS
    # A column of shades lies below its frame, where all frames are shown.
    boxes = [axes.get_position() for axes in drawn[:shown]]
    assert matrix.get_position().x0 == pytest.approx(boxes[0].x0)
    assert [text.get_text() for text in figure.texts] == ["a red disc", *references]


def test_without_attention_there_are_frames_and_a_caption(tmp_path: Path) -> None:
    figure = caption_strip(np.zeros((3, 8, 8, 3), np.uint8), [], tmp_path / "strip.png")
    assert len(figure.axes) == 3


def test_numbers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    frames = np.zeros((3, 8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match="3 words and 3 frames, but weights"):
        caption_strip(frames, WORDS, tmp_path / "strip.png", weights=weights(4))
    with pytest.raises(ValueError, match="3 frames, but it is said of 2"):
        caption_strip(frames, WORDS, tmp_path / "strip.png", telling=np.ones(2, bool))
    with pytest.raises(ValueError, match="has no frame"):
        caption_strip(frames[:0], WORDS, tmp_path / "strip.png")


def test_a_long_caption_has_room_below_a_moving_picture(tmp_path: Path) -> None:
    from PIL import Image

    frames = np.zeros((2, 8, 8, 3), np.uint8)
    said = [("while it is bright we see a small purple half disc and a star", 0.5)] * 2
    save_moving_picture(frames, said, tmp_path / "moving.gif", frame_rate=8.0)
    with Image.open(tmp_path / "moving.gif") as moving:
        assert moving.width > 300
        text = np.asarray(moving.convert("L"))[-16:-4]
    assert (text[:, -8:] > 200).all()  # it ends before the picture does
    assert (text < 100).any()
