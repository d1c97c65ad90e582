"""The bars of the tasks: as long as the errors, and another colour where a task has failed."""

from pathlib import Path

import pytest

from seqlab.viz.task_errors import task_figure

TASKS = ("qa1", "$two$ facts", "qa3")


def test_bars_are_the_errors(tmp_path: Path) -> None:
    path = tmp_path / "figures" / "tasks.png"
    figure = task_figure(TASKS, (0.05, 0.0625, 0.0), path, failed_above=0.05)
    axes = figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([5.0, 6.25, 0.0])
    first, second, third = (bar.get_facecolor() for bar in axes.patches)
    assert first == third != second  # 5 % is no failure
    assert [label.get_text() for label in axes.get_yticklabels()] == list(TASKS)
    assert axes.yaxis_inverted()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "1 of 3 failed: above 5 %",
        "mean 3.8 %",
    ]
    assert [path.name for path in path.parent.iterdir()] == ["tasks.png"]


@pytest.mark.parametrize("errors", [(), (0.5,), (0.1, 0.2, 1.5), (0.1, 0.2, float("nan"))])
def test_what_cannot_be_drawn(errors: tuple[float, ...], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one of 0 to 1 for each task"):
        task_figure(TASKS, errors, tmp_path / "tasks.png", failed_above=0.05)
