"""The figure of how pairs are told apart."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seqlab.viz.roc import roc_figure


def test_the_mean_of_folds(tmp_path: Path) -> None:
    """One fold is perfect, one is chance: the mean rises from 50 to 100 %, its area is 0.75."""
    perfect = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0])
    chance = np.array([0.0, 1.0]), np.array([0.0, 1.0])
    figure = roc_figure([perfect, chance], tmp_path / "roc.png", area=0.75)
    _, first, second, mean = figure.axes[0].lines
    np.testing.assert_allclose(first.get_xydata(), [[0, 0], [0, 100], [100, 100]])
    np.testing.assert_allclose(second.get_xydata(), [[0, 0], [100, 100]])
    x, y = mean.get_xydata()[1:].T / 100  # behind the corner
    np.testing.assert_allclose(y, 0.5 + x / 2)
    assert mean.get_label() == "mean of 2 folds, area 0.750"
    assert Image.open(tmp_path / "roc.png").size[0] > 100
    with pytest.raises(ValueError, match="at least one"):
        roc_figure([], tmp_path / "none.png", area=0.5)
