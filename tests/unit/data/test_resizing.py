"""Sizes worked by hand."""

import numpy as np
import pytest
import torch

from seqlab.data.resizing import Resizing


def test_an_image_may_stay_as_it_is() -> None:
    image = torch.full((3, 5, 7), 51, dtype=torch.uint8)
    seen = Resizing(pixels=None, least_side=90)(image, None)
    torch.testing.assert_close(seen, torch.full((3, 5, 7), 0.2))


@pytest.mark.parametrize(
    ("least_side", "expected"),
    [
        (1, (50, 200)),  # 10,000 pixels are the mean of 5,000 and 20,000 by their ratio
        (80, (80, 320)),  # the shorter side has 80 at least
    ],
)
def test_without_chance_it_has_the_mean_area(least_side: int, expected: tuple[int, int]) -> None:
    resizing = Resizing(pixels=(5_000, 20_000), least_side=least_side)
    assert resizing.size((100, 400), None) == expected
    assert resizing(torch.zeros(3, 100, 400, dtype=torch.uint8), None).shape == (3, *expected)


def test_by_chance_areas_lie_between() -> None:
    chance = np.random.default_rng(0)
    resizing = Resizing(pixels=(5_000, 20_000), least_side=1)
    areas = [
        height * width for height, width in (resizing.size((90, 90), chance) for _ in "x" * 200)
    ]
    assert 4_900 < min(areas) < 5_600
    assert 19_000 < max(areas) < 20_200


@pytest.mark.parametrize("pixels", [(0, 5), (6, 5)])
def test_numbers_in_order(pixels: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="pixels go from above 0 up"):
        Resizing(pixels=pixels, least_side=1)
