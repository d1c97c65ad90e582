"""Figures of clips, and pictures that move."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seqlab.viz.video import around_grey, clip_figure, evenly, frame_rows, save_moving_picture

FRAMES = np.random.default_rng(0).random((5, 12, 10, 3))
CLASSES = ("left", "right", "a $strange$ one")


def test_a_strip_names_classes_and_times(tmp_path: Path) -> None:
    probabilities = np.array([[0.1, 0.7, 0.2], [0.3, 0.6, 0.1]])
    times = [0.0, 0.1, 0.2, 0.3, 0.4]
    path = tmp_path / "clip.png"
    figure = clip_figure(FRAMES, times, [0.0, 0.2], probabilities, CLASSES, path, truth="left")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert figure.texts[0].get_text() == "right 65 %, truth left"
    assert [axes.get_title() for axes in figure.axes[:5]] == [f"{time:.1f} s" for time in times]
    lines = {line.get_label(): line.get_ydata().tolist() for line in figure.axes[-1].lines}
    assert lines["right"] == pytest.approx([70, 60])


def test_one_clip_has_bars(tmp_path: Path) -> None:
    path = tmp_path / "clip.png"
    figure = clip_figure(FRAMES[:1], [0.0], [0.0], np.array([[0.1, 0.7, 0.2]]), CLASSES, path)
    bars = [bar.get_width() for bar in figure.axes[-1].patches]
    assert bars == pytest.approx([70, 20, 10])


def test_strips_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="5 frames at 1 times, 1 clips and 3 classes"):
        clip_figure(FRAMES, [0.0], [0.0], np.ones((1, 3)), CLASSES, tmp_path / "clip.png")


def test_rows_of_colours_and_of_numbers(tmp_path: Path) -> None:
    rows = [("frames", FRAMES), ("slopes", FRAMES[:, :, :, 0])]
    figure = frame_rows(rows, tmp_path / "rows.png", title="a clip")
    assert [text.get_text() for text in figure.texts] == ["a clip", "frames", "slopes"]
    assert len(figure.axes) == 10
    with pytest.raises(ValueError, match="no row"):
        frame_rows([], tmp_path / "none.png")


def test_signed_numbers_lie_around_grey() -> None:
    assert around_grey(np.array([-2.0, 0.0, 1.0])).tolist() == [0.0, 0.5, 0.75]


def test_frames_are_chosen_evenly() -> None:
    assert evenly(16, 4) == [0, 5, 10, 15]
    assert evenly(3, 8) == [0, 1, 2]


def test_a_moving_picture_shows_each_frame(tmp_path: Path) -> None:
    frames = (255 * FRAMES).astype(np.uint8)
    said = [("left", 0.2), ("left", 0.3), ("right", 0.9), ("right", 1.0), ("right", 0.5)]
    path = tmp_path / "moving.gif"
    save_moving_picture(frames, said, path, frame_rate=10)
    with Image.open(path) as picture:
        assert picture.n_frames == 5
        assert picture.info["duration"] == 100
        assert picture.size == (160, 16 * 12 + 22)
        picture.seek(2)
        shown = np.asarray(picture.convert("RGB"))
    assert np.abs(shown[:192:16, ::16].astype(int) - frames[2]).mean() < 25  # 256 colours
    bar = shown[193]
    assert (bar[:140, 2] > bar[:140, 0]).all()  # blue up to 90 % of 160 pixels
    assert (bar[148:] > 240).all()
    with pytest.raises(ValueError, match="5 frames and 4 answers"):
        save_moving_picture(frames, said[:4], path, frame_rate=10)
