"""The margin ranking loss against a loop."""

import numpy as np
import pytest
import torch

from seqlab.components.margin import margin_ranking


@pytest.mark.parametrize("margin", [0.1, 2.0])
def test_equals_the_equation(margin: float) -> None:
    draw = torch.Generator().manual_seed(0)
    scores = torch.randn(5, 7, dtype=torch.float64, generator=draw)
    right = torch.tensor([0, 6, 3, 3, 1])
    scores[2, 5] = -torch.inf  # no candidate
    expected = np.zeros(5)
    for row, r in enumerate(right.tolist()):
        s = scores[row].numpy()
        for f in range(7):
            if f != r:
                expected[row] += max(0.0, margin - s[r] + s[f])
    np.testing.assert_allclose(margin_ranking(scores, right, margin), expected, rtol=1e-12)
    assert (expected > 0).all()


def test_nothing_is_lost_a_margin_apart_and_gradients_are_finite() -> None:
    scores = torch.tensor([[3.0, 1.0, -torch.inf], [3.0, 2.5, 2.0]], requires_grad=True)
    loss = margin_ranking(scores, torch.tensor([0, 0]), 1.5)
    assert loss.tolist() == [0.0, 1.0 + 0.5]
    loss.sum().backward()
    assert scores.grad is not None
    assert scores.grad.tolist() == [[0.0, 0.0, 0.0], [-2.0, 1.0, 1.0]]
