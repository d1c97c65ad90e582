"""Hop figures: each weight beside its fact, support marked, long stories cut to what matters."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from seqlab.viz.hops import CELL, MOST_ROWS, Gap, choose_facts, hop_figure

FACTS = ("Mary moved to the bathroom.", "John fell.", "Sandra has $3 and $4.")
ATTENTION = np.array([[0.75, 0.25, 0.0], [0.0, 0.875, 0.125]])  # two hops


def drawn(folder: Path, attention: np.ndarray = ATTENTION, **more: object) -> Figure:
    given = {"question": "Where is Mary?", "answer": "bathroom", "probability": 0.5, **more}
    return hop_figure(FACTS, attention, folder / "hops.png", **given)  # type: ignore[arg-type]


def rows(figure: Figure) -> list[list[str]]:
    """The texts of each row, from top to bottom and from left to right."""
    texts = figure.axes[0].texts
    heights = sorted({round(text.get_position()[1], 6) for text in texts}, reverse=True)
    return [
        [
            text.get_text()
            for text in sorted(texts, key=lambda text: text.get_position()[0])
            if round(text.get_position()[1], 6) == height
        ]
        for height in heights
    ]


def test_weights_stand_beside_their_facts(tmp_path: Path) -> None:
    figure = drawn(tmp_path, supporting=(0,), accepted=("bathroom",))
    assert rows(figure) == [
        ["support", "hop 1", "hop 2"],
        [FACTS[0], "yes", "0.75", "0.00"],
        [FACTS[1], "0.25", "0.88"],
        [FACTS[2], "0.00", "0.12"],
        ["Where is Mary?"],
        ["bathroom (0.50), right"],
    ]
    weights = {text.get_text(): text.get_weight() for text in figure.axes[0].texts}
    assert weights[FACTS[0]] == "bold"
    assert weights[FACTS[1]] == "normal"
    with Image.open(tmp_path / "hops.png") as written:
        assert min(written.size) > 150


def test_cells_are_the_darker_the_more_is_read(tmp_path: Path) -> None:
    axes = drawn(tmp_path).axes[0]
    cells = sorted(axes.patches, key=lambda cell: (-cell.get_y(), cell.get_x()))
    light = np.array([sum(cell.get_facecolor()[:3]) for cell in cells]).reshape(3, 2)
    order = np.argsort(-light.flatten(), kind="stable")
    assert sorted(ATTENTION.T.flatten()) == pytest.approx(ATTENTION.T.flatten()[order])
    numbers = {text.get_text(): text.get_position() for text in axes.texts}
    first = cells[0]
    x, y = numbers["0.75"]
    assert (x, y) == pytest.approx((first.get_x() + CELL / 2, first.get_y() + 0.125))


def test_nobody_says_what_is_needed_or_right(tmp_path: Path) -> None:
    found = rows(drawn(tmp_path))
    assert found[0] == ["hop 1", "hop 2"]
    assert found[1] == [FACTS[0], "0.75", "0.00"]
    assert found[-1] == ["bathroom (0.50)"]


@pytest.mark.parametrize(
    ("accepted", "verdict"),
    [
        (("garden",), "bathroom (0.50); right is garden"),
        (("a", "b"), "bathroom (0.50); right is a or b"),
    ],
)
def test_a_wrong_answer(accepted: tuple[str, ...], verdict: str, tmp_path: Path) -> None:
    figure = drawn(tmp_path, accepted=accepted)
    assert rows(figure)[-1] == [verdict]
    colours = {text.get_text(): text.get_color() for text in figure.axes[0].texts}
    right = drawn(tmp_path, accepted=("bathroom",)).axes[0].texts[-1]
    assert colours[verdict] != right.get_color()


def test_all_is_inside_the_figure(tmp_path: Path) -> None:
    figure = drawn(tmp_path, supporting=(0, 1, 2))
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    boxes = {text: text.get_window_extent(renderer) for text in figure.axes[0].texts}
    beside = min(box.x0 for text, box in boxes.items() if text.get_text() in ("support", "yes"))
    for text, box in boxes.items():
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1
        if text.get_text() in FACTS:
            assert box.x1 < beside


def test_weights_of_a_linear_start_are_drawn(tmp_path: Path) -> None:
    figure = drawn(tmp_path, np.array([[-1.5, 0.0, 7.25]]))
    assert [row[-1] for row in rows(figure)[1:4]] == ["-1.50", "0.00", "7.25"]


def test_of_a_long_story_what_matters_is_shown() -> None:
    attention = np.full((2, 100), 0.001)
    attention[1, 40:50] = 0.05
    attention[0, 99] = 0.5
    attention[1, 3] = 0.004
    kept = choose_facts(attention, (7,), 24)
    # Twelve: the ten, the last and the first of those that are left, and what the answer needs.
    assert kept == [
        Gap(3, 0.001),
        3,
        Gap(3, 0.001),
        7,
        Gap(32, 0.001),
        *range(40, 50),
        Gap(49, 0.001),
        99,
    ]
    assert str(kept[0]) == "... 3 facts with at most 0.00"
    assert str(Gap(1, 0.125)) == "... 1 fact with at most 0.12"
    assert choose_facts(attention[:, :24], (), 24) == [*range(24)]


def test_a_long_story_is_drawn_in_few_rows(tmp_path: Path) -> None:
    attention = np.random.default_rng(0).dirichlet(np.ones(300), size=3)
    facts = [f"{'very ' * 20}long fact {n}" for n in range(300)]
    path = tmp_path / "hops.png"
    figure = hop_figure(facts, attention, path, question="?", answer="a", probability=1.0)
    assert len(rows(figure)) <= MOST_ROWS + 4
    assert max(figure.get_size_inches()) < 10


@pytest.mark.parametrize(
    ("attention", "message"),
    [
        (ATTENTION[:, :2], r"3 facts, but attention \(2, 2\)"),
        (ATTENTION[0], "3 facts, but attention"),
        (ATTENTION[:0], "no hop"),
        (np.array([[0.5, np.nan, 0.5]]), "finite"),
    ],
)
def test_what_cannot_be_drawn(attention: np.ndarray, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        drawn(tmp_path, attention)
    assert not (tmp_path / "hops.png").exists()
