"""The figure of a sequence shows what was read, was to be written and was written."""

from pathlib import Path

import numpy as np
import pytest

from seqlab.viz.sequences import sequence_figure


def test_three_strips_over_the_same_steps(tmp_path: Path) -> None:
    inputs = np.array([[0.0, 2.0], [1.0, -2.0], [0.0, 0.0], [0.0, 0.0]])
    targets = np.array([[0.0], [0.0], [1.0], [0.0]])
    outputs = np.array([[0.9], [0.1], [0.2], [0.3]])
    scored = np.array([False, False, True, True])
    wrong = np.array([[False], [False], [True], [False]])
    path = tmp_path / "figures" / "a.png"
    figure = sequence_figure(inputs, targets, outputs, scored, wrong, path, "a copy")
    shown = {axes.get_ylabel(): axes.images[0].get_array() for axes in figure.axes}
    assert list(shown) == ["inputs", "targets", "outputs"]
    # Each channel of the inputs from its least to its greatest, 0 among them.
    np.testing.assert_allclose(shown["inputs"], [[0, 1, 0, 0], [1, 0, 0.5, 0.5]])
    for name, expected in (("targets", [1.0, 0.0]), ("outputs", [0.2, 0.3])):
        assert np.ma.getmaskarray(shown[name]).tolist() == [[True, True, False, False]]
        np.testing.assert_allclose(shown[name][0, 2:], expected)
    (frames,) = figure.axes[2].collections
    assert frames.get_offsets().tolist() == [[2, 0]]
    assert path.read_bytes().startswith(b"\x89PNG")


def test_what_does_not_fit_together(tmp_path: Path) -> None:
    one, two = np.zeros((3, 1)), np.zeros((3, 2))
    scored = np.ones(3, bool)
    for parts in ((one, one, two, scored, one), (one[:2], one, one, scored, one)):
        with pytest.raises(ValueError, match="not of the same steps"):
            sequence_figure(*parts, tmp_path / "a.png")
