"""Alignment figures: every weight in its place, every word legible and inside."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from seqlab.viz.alignments import alignment_figure


def weights(num_targets: int, num_sources: int) -> np.ndarray:
    drawn = np.random.default_rng(0).random((num_targets, num_sources)) ** 8
    return drawn / drawn.sum(axis=1, keepdims=True)


def texts(figure: Figure) -> tuple[list[str], list[str]]:
    axes = figure.axes[0]
    return tuple(  # type: ignore[return-value]
        [label.get_text() for label in axis.get_ticklabels()] for axis in (axes.xaxis, axes.yaxis)
    )


def test_sources_stand_on_top_and_targets_at_the_left(tmp_path: Path) -> None:
    source, target = ["two", "dogs", "run", "<end>"], ["zwei", "Hunde", "laufen"]
    given = weights(3, 4)
    path = tmp_path / "figures" / "a.png"
    figure = alignment_figure(source, target, given, path, title="$two$ dogs")
    assert texts(figure) == (source, target)
    axes = figure.axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), given)
    assert axes.images[0].get_clim() == (0.0, 1.0)  # a pale row is a row that looks everywhere
    assert axes.xaxis.get_ticks_position() == "top"
    assert figure.texts[0].get_text() == "$two$ dogs"
    with Image.open(path) as written:
        assert min(written.size) > 150
        pixels = np.asarray(written.convert("RGB")).astype(int)
    assert [entry.name for entry in path.parent.iterdir()] == ["a.png"]
    # The darkest cell of the picture is that of the largest weight.
    box = axes.get_position()
    height, width = pixels.shape[:2]
    row, column = np.unravel_index(given.argmax(), given.shape)
    x = int(width * (box.x0 + box.width * (column + 0.5) / 4))
    y = int(height * (1 - box.y1 + box.height * (row + 0.5) / 3))
    blue = 1 - given.max()
    assert pixels[y, x].sum() < 765 * (0.5 + blue / 2)
    assert pixels[y, x].sum() == min(
        pixels[
            int(height * (1 - box.y1 + box.height * (r + 0.5) / 3)),
            int(width * (box.x0 + box.width * (c + 0.5) / 4)),
        ].sum()
        for r in range(3)
        for c in range(4)
    )


@pytest.mark.parametrize(("num_targets", "num_sources"), [(3, 3), (1, 60), (60, 1), (55, 60)])
def test_words_are_legible_apart_and_inside(
    num_targets: int, num_sources: int, tmp_path: Path
) -> None:
    source = ["Donaudampfschiff"[: 1 + n % 16] for n in range(num_sources)]
    target = ["Rhabarberkuchen"[: 1 + n % 15] for n in range(num_targets)]
    given = weights(num_targets, num_sources)
    figure = alignment_figure(source, target, given, tmp_path / "a.png")
    assert max(figure.get_size_inches()) < 14
    axes = figure.axes[0]
    box = axes.get_window_extent()
    assert box.width / num_sources == pytest.approx(box.height / num_targets)  # square cells
    whole, renderer = figure.bbox, figure.canvas.get_renderer()  # type: ignore[attr-defined]
    labels = [*axes.get_xticklabels(), *axes.get_yticklabels()]
    for label in labels:
        extent = label.get_window_extent(renderer)
        assert extent.x0 >= whole.x0
        assert extent.y0 >= whole.y0
        assert extent.x1 <= whole.x1
        assert extent.y1 <= whole.y1
        assert label.get_size() >= 6
        assert label.get_size() / 72 * figure.dpi < box.width / num_sources * 1.01


def test_any_script_and_any_length_is_drawn(tmp_path: Path) -> None:
    long = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz"
    figure = alignment_figure(
        ["我", "喜欢", "$x$", ""], ["القطط", "люблю", long], weights(3, 4), tmp_path / "a.png"
    )
    assert texts(figure)[1][2] == f"{long[:23]}…"
    assert (tmp_path / "a.png").exists()


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with pytest.raises(ValueError, match=r"1 target and 2 source words, but weights \(2, 1\)"):
        alignment_figure(["a", "b"], ["c"], weights(2, 1), path)
    with pytest.raises(ValueError, match="no word"):
        alignment_figure(["a"], [], np.zeros((0, 1)), path)
    for value in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            alignment_figure(["a"], ["b"], np.array([[value]]), path)
    assert not path.exists()
