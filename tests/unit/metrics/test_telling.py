"""Attention on the frames that tell, worked by hand."""

import pytest
import torch

from seqlab.metrics.pointing import TellingAttention


def test_mass_and_peaks_of_words() -> None:
    metric = TellingAttention()
    weights = torch.tensor(
        [
            [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            [[0.2, 0.5, 0.3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]],
        ]
    )
    telling = torch.tensor([[True, False, False], [False, True, True]])
    # Three words and the end, which does not count; one word and the end, then padding.
    metric.update(weights, torch.tensor([4, 2]), telling)
    found = metric.compute()
    assert found["attention_on_telling"].item() == pytest.approx((0.7 + 0.1 + 0.0 + 0.8) / 4)
    assert found["peak_on_telling"].item() == pytest.approx(2 / 4)
    # A second batch is added to the first; nothing is known of its first video.
    nobody = torch.tensor([[False] * 3, [True, False, False]])
    metric.update(weights, torch.tensor([4, 3]), nobody)
    found = metric.compute()
    assert found["attention_on_telling"].item() == pytest.approx((1.6 + 0.2 + 1.0) / 6)
    assert found["peak_on_telling"].item() == pytest.approx(3 / 6)


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit 2 lengths"):
        TellingAttention().update(
            torch.ones(2, 4, 3), torch.tensor([4, 2]), torch.ones(2, 4, dtype=torch.bool)
        )
