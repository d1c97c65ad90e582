"""Four patches found again, by hand-worked squares and loops over all patches."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from seqlab.components.mining.constellations import (
    CORNERS,
    Matches,
    Patches,
    find,
    square_errors,
    without_repetitions,
)
from seqlab.components.mining.purity import purity, purity_curve


def test_a_square_has_no_error_wherever_it_lies() -> None:
    corners = torch.tensor(CORNERS)
    for side, at in ((0.7, (0.0, 0.0)), (1.0, (3.0, -2.0)), (1.3, (5.0, 5.0))):
        error = square_errors((side * corners + torch.tensor(at)).unsqueeze(0))
        assert float(error) == pytest.approx(0.0, abs=1e-10)


def test_sides_out_of_bounds_and_mixed_corners_cost() -> None:
    corners = torch.tensor(CORNERS)
    # A side of 2 is fitted by one of 4/3: each corner is off by (2 - 4/3) / 2 on both axes.
    large = square_errors(2 * corners.unsqueeze(0))
    assert float(large) == pytest.approx(4 * 2 * (1 / 3) ** 2 / (4 / 3) ** 2, rel=1e-5)
    # All in one place is fitted by 2/3, whose corners are then all off by 1/3 on both axes.
    point = square_errors(torch.zeros(1, 4, 2))
    assert float(point) == pytest.approx(4 * 2 * (1 / 3) ** 2 / (2 / 3) ** 2, rel=1e-5)
    mirrored = square_errors(corners[[1, 0, 3, 2]].unsqueeze(0))
    assert float(mirrored) > 1


def test_errors_are_those_of_a_numerical_fit() -> None:
    chance = np.random.default_rng(0)
    corners = np.array(CORNERS)
    for _ in range(10):
        centres = 1.1 * corners + chance.normal(0, 0.25, (4, 2))

        def misfit(p: np.ndarray, centres: np.ndarray = centres) -> float:
            return float(((centres - p[:2] - p[2] * corners) ** 2).sum())

        fitted = minimize(misfit, [0, 0, 1], bounds=[(None, None), (None, None), (2 / 3, 4 / 3)])
        error = square_errors(torch.from_numpy(centres).unsqueeze(0))
        assert float(error) == pytest.approx(fitted.fun / fitted.x[2] ** 2, rel=1e-3)


def _collection() -> Patches:
    torch.manual_seed(0)
    features = torch.nn.functional.normalize(torch.randn(60, 5), dim=1)
    return Patches(features, torch.arange(60) // 12, 3 * torch.rand(60, 2))


def test_the_best_patch_of_each_image_is_found_as_by_a_loop() -> None:
    patches = _collection()
    constellation = torch.tensor([13, 14, 17, 18])  # of image 1
    matches = find(constellation, patches, num_images=5, most=3)
    scores, best = {}, {}
    for image in (0, 2, 3, 4):
        own = [n for n in range(60) if int(patches.images[n]) == image]
        similar = [
            [float(patches.features[n] @ patches.features[part]) for n in own]
            for part in constellation
        ]
        best[image] = [own[int(np.argmax(row))] for row in similar]
        scores[image] = sum(max(row) for row in similar)
    ranked = sorted(scores, key=lambda image: -scores[image])[:3]
    assert matches.images.tolist() == ranked
    assert matches.patches.tolist() == [best[image] for image in ranked]
    assert matches.scores.tolist() == pytest.approx([scores[image] for image in ranked], rel=1e-5)


def _matches(images: list[int], errors: list[float], score: float = 1.0) -> Matches:
    count = len(images)
    return Matches(
        torch.tensor(images),
        torch.zeros(count, 4, dtype=torch.long),
        torch.full((count,), score),
        torch.tensor(errors),
    )


def test_constellations_are_ranked_by_verified_matches_and_repetitions_left_out() -> None:
    found = [
        _matches([1, 2, 3], [0.1, 5.0, 5.0]),
        _matches([4, 5, 6], [0.1, 0.2, 0.3]),
        _matches([4, 5, 7], [0.1, 0.2, 5.0]),  # both verified ones are those of the second
        _matches([8, 9, 1], [0.1, 0.2, 5.0]),
        _matches([8, 9, 1], [9.0, 9.0, 9.0]),
    ]
    assert without_repetitions(found, most=9, overlap=0.5) == [1, 3, 0]
    assert without_repetitions(found, most=2, overlap=0.5) == [1, 3]


def test_purity_and_coverage_by_hand() -> None:
    assert purity(torch.tensor([3, 3, 1, 3])) == 0.75
    images = [torch.tensor([0, 1]), torch.tensor([1, 2, 3]), torch.tensor([0])]
    labels = [torch.tensor([1, 2]), torch.tensor([0, 0, 0]), torch.tensor([5])]
    curve = purity_curve(images, labels, num_images=8)
    assert curve.purity.tolist() == pytest.approx([1.0, 1.0, 2.5 / 3])
    assert curve.coverage.tolist() == pytest.approx([3 / 8, 4 / 8, 4 / 8])
