"""Curricula: which difficulties come up in which epoch."""

import numpy as np
import pytest

from seqlab.data.curricula import Curriculum


def drawn(strategy: str, epoch: int, growth_epochs: int = 0) -> set[int]:
    curriculum = Curriculum(strategy=strategy, growth_epochs=growth_epochs)
    generator = np.random.default_rng(epoch)
    return {curriculum.difficulty(generator, epoch, 3, 7) for _ in range(200)}


def test_what_does_not_grow() -> None:
    for epoch in (0, 5):
        assert drawn("hardest", epoch) == {7}
        assert drawn("mixed", epoch) == {3, 4, 5, 6, 7}


def test_what_grows() -> None:
    """From 3 to 7 in 8 epochs: one more every other epoch."""
    for epoch, grown in ((0, 3), (1, 3), (2, 4), (5, 5), (7, 6), (8, 7), (50, 7)):
        assert drawn("naive", epoch, 8) == {grown}
        assert drawn("growing", epoch, 8) == set(range(3, grown + 1))
        assert drawn("combined", epoch, 8) == {3, 4, 5, 6, 7}


def test_half_of_what_is_combined_is_naive() -> None:
    curriculum = Curriculum(strategy="combined", growth_epochs=8)
    generator = np.random.default_rng(0)
    found = [curriculum.difficulty(generator, 4, 1, 10) for _ in range(4000)]
    counts = np.bincount(found, minlength=11)[1:] / 4000
    expected = [0.05] * 10
    expected[5 - 1] += 0.5  # half of the way from 1 to 10
    np.testing.assert_allclose(counts, expected, atol=0.03)


def test_growth_where_nothing_grows_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing grows with strategy=mixed"):
        Curriculum(strategy="mixed", growth_epochs=3)
    with pytest.raises(ValueError, match="at least 0, not -1"):
        Curriculum(strategy="naive", growth_epochs=-1)
