"""Attention figures: light falls where the weight is, and every word has its panel."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from seqlab.viz.attention import attention_figure, attention_rows, overlay, upsample

GRID = (3, 5)
SIZE = (210, 400)  # no multiple of it, so that a location is 70 x 80 pixels


def one_hot(row: int, column: int) -> np.ndarray:
    weights = np.zeros(GRID)
    weights[row, column] = 1.0
    return weights


@pytest.mark.parametrize("row", range(GRID[0]))
@pytest.mark.parametrize("column", range(GRID[1]))
def test_one_location_brightens_its_own_pixels(row: int, column: int, tmp_path: Path) -> None:
    grey = np.full((*SIZE, 3), 0.5)
    figure = attention_figure(grey, ["word"], one_hot(row, column)[None], tmp_path / "a.png")
    panel = np.asarray(figure.axes[1].images[0].get_array()).mean(axis=2)
    assert panel.shape == SIZE
    height, width = SIZE[0] / GRID[0], SIZE[1] / GRID[1]
    y, x = np.unravel_index(panel.argmax(), SIZE)
    assert (y // height, x // width) == (row, column)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    far = np.abs(rows + 0.5 - (row + 0.5) * height) > 2.5 * height
    far |= np.abs(columns + 0.5 - (column + 0.5) * width) > 2.5 * width
    assert panel.max() > 0.6  # brighter than the image
    assert not far.any() or panel[far].max() < 0.21  # in the dark


def test_upsampling_keeps_what_is_even_and_where_the_middle_is() -> None:
    even = np.full((4, 3), 0.25)
    np.testing.assert_allclose(upsample(even, 64, 48), 0.25)
    weights = np.random.default_rng(0).random((4, 3))
    large = upsample(weights, 64, 48)
    np.testing.assert_allclose(upsample(weights[::-1], 64, 48), large[::-1], atol=1e-12)
    np.testing.assert_allclose(upsample(weights[:, ::-1], 64, 48), large[:, ::-1], atol=1e-12)
    np.testing.assert_allclose(upsample(weights.T, 48, 64), large.T, atol=1e-12)


def test_overlay_at_its_ends() -> None:
    image = np.array([[[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]])
    dark, bright = overlay(image, np.zeros((1, 3))), overlay(image, np.ones((1, 3)))
    np.testing.assert_allclose(dark[0, 0], [0.4 * 1.299 / 2, 0.4 * 0.299 / 2, 0.4 * 0.299 / 2])
    np.testing.assert_allclose(bright[0], [[1, 0.25, 0.25], [0.25] * 3, [1, 1, 1]])


def test_a_panel_per_word_and_a_file(tmp_path: Path) -> None:
    caption = "a very long caption about a dog that runs over the wet grass"
    words = caption.split()
    weights = np.random.default_rng(0).random((len(words), 7, 7))
    image = np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    path = tmp_path / "figures" / "a.png"
    figure = attention_figure(image, words, weights, path, title="log p = -9.1")
    assert [axes.get_title() for axes in figure.axes] == ["", *words]
    assert figure.axes[3].texts[0].get_text() == f"{weights[2].max():.2f}"
    with Image.open(path) as written:
        assert min(written.size) > 300
        assert len(np.unique(np.asarray(written))) > 100
    assert [entry.name for entry in path.parent.iterdir()] == ["a.png"]

    boxes = [axes.get_position().extents for axes in figure.axes]
    for number, (x0, y0, x1, y1) in enumerate(boxes):
        assert min(x0, y0) >= 0
        assert max(x1, y1) <= 1
        for a0, b0, a1, b1 in boxes[:number]:
            assert x0 >= a1 or x1 <= a0 or y0 >= b1 or y1 <= b0  # they do not overlap


def test_rows_of_soft_and_hard_maps(tmp_path: Path) -> None:
    image = np.zeros((32, 32, 3))
    soft = (["a", "dog", "runs"], np.full((3, 2, 2), 0.25))
    hard = (["two", "dogs"], np.stack([np.eye(2), np.eye(2)]))
    figure = attention_rows(image, {"soft": soft, "hard": hard}, tmp_path / "a.png")
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["soft", "a", "dog", "runs", "hard", "two", "dogs"]
    tops = [axes.get_position().y1 for axes in figure.axes]
    assert len(set(tops[:4])) == len(set(tops[4:])) == 1
    assert tops[4] < tops[0]


def test_odd_words_do_not_stop_it(tmp_path: Path) -> None:
    words = [
        "日本",
        r"$\frac$",
        "",
        "pneumonoultramicroscopicsilicovolcanoconiosis" * 2,
        "\u202eabc",
        "😀",
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(mpl.rcParams, "font.size", 40.0)
        before = dict(mpl.rcParams)
        figure = attention_figure(
            np.ones((8, 30, 3), dtype=np.float32),
            words,
            np.ones((6, 2, 2)),
            tmp_path / "a.png",
            r"$\frac$",
        )
        assert dict(mpl.rcParams) == before  # the caller's settings are his own
    assert figure.axes[4].get_title().endswith("…")
    assert (tmp_path / "a.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("image", "words", "weights", "message"),
    [
        (np.zeros((8, 8, 3)), ["a"], np.ones((2, 2, 2)), "1 words, but attention at 2"),
        (np.zeros((8, 8, 3)), ["a"], np.ones((1, 4)), "words x rows x columns"),
        (np.zeros((8, 8, 3)), [], np.ones((0, 2, 2)), "no word"),
        (np.zeros((8, 8, 3)), ["a"], np.full((1, 2, 2), np.nan), "not finite"),
        (np.zeros((8, 8, 3)), ["a", "b"], np.stack([np.eye(2), 0 * np.eye(2)]), "all zero"),
        (np.zeros((3, 8, 8)), ["a"], np.ones((1, 2, 2)), "height x width x 3"),
        (np.full((8, 8, 3), 255.0), ["a"], np.ones((1, 2, 2)), "lies in 0 to 1"),
        (np.full((8, 8, 3), np.nan), ["a"], np.ones((1, 2, 2)), "lies in 0 to 1"),
    ],
)
def test_errors_name_what_is_wrong(image, words, weights, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        attention_figure(image, words, weights, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())
