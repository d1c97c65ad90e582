"""The figure of restarts shows each where it belongs."""

from pathlib import Path

import numpy as np
import pytest

from seqlab.viz.restarts import restarts_figure


def test_every_restart_stands_at_its_seed_and_value(tmp_path: Path) -> None:
    values = {"val/score": [3.0, 9.0, 5.0], "test/score": [1.0, None, 2.0]}
    figure = restarts_figure([4, 5, 7], values, 1, tmp_path / "restarts.png")
    chosen, tested = figure.axes
    np.testing.assert_allclose(chosen.collections[0].get_offsets(), [[4, 3], [5, 9], [7, 5]])
    np.testing.assert_allclose(chosen.collections[1].get_offsets(), [[5, 9]])
    np.testing.assert_allclose(chosen.lines[0].get_ydata(), [5, 5])  # the median
    np.testing.assert_allclose(tested.lines[0].get_ydata(), [1.5, 1.5])
    assert (tmp_path / "restarts.png").stat().st_size > 0


def test_as_many_values_as_seeds(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one of each metric for each seed"):
        restarts_figure([1, 2], {"val/score": [1.0]}, 0, tmp_path / "restarts.png")
