"""The figure of a sweep shows each job where it belongs."""

from pathlib import Path

import numpy as np
import pytest

from seqlab.viz.sweeps import sweep_figure


def test_every_job_stands_at_its_value_and_score(tmp_path: Path) -> None:
    settings = {"lr": ["0.01", "0.0001", "0.001"], "attention": ["hard", "additive", "hard"]}
    figure = sweep_figure(settings, [0.9, 0.5, 0.2], "val/cider", tmp_path / "sweep.png")
    numbers, names = figure.axes
    np.testing.assert_allclose(
        numbers.collections[0].get_offsets(), [[0.01, 0.9], [0.0001, 0.5], [0.001, 0.2]]
    )
    np.testing.assert_allclose(numbers.collections[1].get_offsets(), [[0.01, 0.9]])
    assert numbers.get_xscale() == "log"
    np.testing.assert_allclose(names.collections[0].get_offsets(), [[1, 0.9], [0, 0.5], [1, 0.2]])
    assert [label.get_text() for label in names.get_xticklabels()] == ["additive", "hard"]
    assert numbers.get_ylabel() == "val/cider"
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")


def test_close_numbers_keep_an_even_axis(tmp_path: Path) -> None:
    figure = sweep_figure(
        {"dropout": ["0.1", "0.5", "0"]}, [1.0, 2.0, 3.0], "val/loss", tmp_path / "a.png"
    )
    assert figure.axes[0].get_xscale() == "linear"


def test_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one"):
        sweep_figure({}, [1.0], "val/loss", tmp_path / "a.png")
