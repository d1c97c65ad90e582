"""The figure of scores by length shows each bar, what it stands for and the whole."""

from pathlib import Path

import pytest

from seqlab.viz.length_scores import length_figure


def test_bars_ranges_counts_and_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "figures" / "a.png"
    figure = length_figure(
        [(1, 5), (6, 10), (11, 11)], [40.25, 30.0, 0.0], [1200, 30, 1], path, overall=37.0
    )
    axes = figure.axes[0]
    assert [bar.get_height() for bar in axes.patches] == [40.25, 30.0, 0.0]
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert ticks == ["1–5\nn = 1,200", "6–10\nn = 30", "11\nn = 1"]
    assert [text.get_text() for text in axes.texts] == ["40.2", "30.0", "0.0"]
    assert axes.lines[0].get_ydata() == pytest.approx([37.0, 37.0])
    assert figure.legends[0].get_texts()[0].get_text() == "all 1,231 sentences: 37.0"
    assert axes.get_ylabel() == "BLEU"
    assert axes.get_ylim()[1] > 40.25
    assert path.read_bytes().startswith(b"\x89PNG")


def test_scores_of_nothing(tmp_path: Path) -> None:
    figure = length_figure([(3, 3)], [0.0], [2], tmp_path / "a.png", metric="chrF")
    assert figure.axes[0].get_ylim()[1] >= 1
    assert figure.axes[0].get_ylabel() == "chrF"
    assert not figure.axes[0].lines


def test_what_is_counted_can_be_named(tmp_path: Path) -> None:
    figure = length_figure(
        [(20, 20), (100, 100)],
        [0.5, 3.0],
        [7, 8],
        tmp_path / "a.png",
        overall=1.5,
        length="vectors",
        examples="sequences",
    )
    assert figure.axes[0].get_xlabel() == "vectors; n sequences"
    assert figure.legends[0].get_texts()[0].get_text() == "all 15 sequences: 1.5"


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one bar"):
        length_figure([], [], [], tmp_path / "a.png")
    with pytest.raises(ValueError, match="1 ranges, 2 scores and 1 counts"):
        length_figure([(1, 2)], [1.0, 2.0], [1], tmp_path / "a.png")
