"""Where patches lie, which pairs they make, and what is done to them."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from seqlab.data.patch_cures import PatchCures
from seqlab.data.patches import POSITIONS, STEPS, PatchGrid, Places, draw_pairs

PLAIN = {"colour": "none", "downsampled_share": 0.0, "least_pixels": 100, "normalise": False}


def test_patches_stay_in_the_image_and_neighbours_apart() -> None:
    grid = PatchGrid(patch_size=10, gap=6, jitter=2, most=(3, 4))
    firsts = set()
    for seed in range(200):
        places = grid.place((47, 75), np.random.default_rng(seed))
        assert (places.rows, places.columns) == (3, 4)
        assert places.tops.min() >= 0
        assert places.tops.max() + 10 <= 47
        assert places.lefts.min() >= 0
        assert places.lefts.max() + 10 <= 75
        tops, lefts = places.tops.reshape(3, 4), places.lefts.reshape(3, 4)
        for along in (np.diff(tops, axis=0), np.diff(lefts, axis=1)):
            gaps = along - 10
            assert gaps.min() >= 6 - 2 * 2
            assert gaps.max() <= 6 + 2 * 2
        firsts.add(int(places.tops[0]))
    assert firsts == set(range(6))  # 47 - 10 - 2 * 16 - 2 * 2 leaves one, and two each way


def test_the_smallest_image_has_one_grid_and_a_smaller_one_none() -> None:
    grid = PatchGrid(patch_size=10, gap=6, jitter=2, most=(3, 3))
    places = grid.place((30, 30), np.random.default_rng(0))
    assert (places.rows, places.columns) == (2, 2)
    with pytest.raises(ValueError, match="sides of 30 pixels"):
        grid.place((29, 40), np.random.default_rng(0))


@pytest.mark.parametrize("wrong", [{"gap": -1}, {"patch_size": 0}, {"jitter": 4}, {"most": (1, 3)}])
def test_impossible_grids_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"given|at least|closes"):
        PatchGrid(**({"patch_size": 10, "gap": 6, "jitter": 2, "most": (3, 3)} | wrong))


def test_a_pair_lies_as_its_position_says_and_all_positions_come_equally_often() -> None:
    grid = PatchGrid(patch_size=8, gap=4, jitter=2, most=(3, 3))
    chance = np.random.default_rng(0)
    signs = dict(zip(POSITIONS, STEPS, strict=True))
    assert signs["upper left"] == (-1, -1)
    assert signs["right"] == (0, 1)
    for size in ((40, 40), (24, 40)):
        places = grid.place(size, chance)
        pairs, positions = draw_pairs(places, 3, chance)
        assert np.bincount(positions).tolist() == [3] * 8
        down = places.tops[pairs[:, 1]] - places.tops[pairs[:, 0]]
        right = places.lefts[pairs[:, 1]] - places.lefts[pairs[:, 0]]
        for position, below, beside in zip(positions, down, right, strict=True):
            expected = STEPS[position]
            for moved, sign in zip((below, beside), expected, strict=True):
                assert abs(moved - sign * 12) <= 4


def test_pairs_of_a_position_differ_where_the_grid_has_enough() -> None:
    places = Places(3, 3, np.zeros(9, int), np.zeros(9, int))
    pairs, positions = draw_pairs(places, 4, np.random.default_rng(1))
    for position in range(8):
        assert len({tuple(pair) for pair in pairs[positions == position]}) == 4


def test_cut_and_centres_agree_with_the_pixels() -> None:
    image = torch.arange(3 * 30 * 40).reshape(3, 30, 40).float()
    grid = PatchGrid(patch_size=10, gap=2, jitter=1, most=(2, 3))
    places = grid.place((30, 40), np.random.default_rng(3))
    patches, centres = grid.cut(image, places), grid.centres(places, (30, 40))
    for patch, (right, down), top, left in zip(
        patches, centres, places.tops, places.lefts, strict=True
    ):
        assert torch.equal(patch, image[:, top : top + 10, left : left + 10])
        assert (right + 1) / 2 * 40 == pytest.approx(left + 5)
        assert (down + 1) / 2 * 30 == pytest.approx(top + 5)


def test_projection_leaves_grey_and_takes_all_of_the_green_magenta_axis() -> None:
    cures = PatchCures(**(PLAIN | {"colour": "projection"}))
    chance = np.random.default_rng(0)
    grey = torch.rand(2, 1, 5, 5).expand(2, 3, 5, 5)
    assert torch.allclose(cures(grey, chance), grey, atol=1e-6)
    patches = torch.rand(2, 3, 5, 5)
    cured = cures(patches, chance)
    along = -cured[:, 0] + 2 * cured[:, 1] - cured[:, 2]
    assert torch.allclose(along, torch.zeros_like(along), atol=1e-6)
    # What is left is the nearest colour: the difference lies along the axis alone.
    taken = (patches - cured).permute(0, 2, 3, 1).reshape(-1, 3).numpy()
    axis = np.array([-1.0, 2.0, -1.0]) / np.sqrt(6)
    assert np.allclose(taken, np.outer(taken @ axis, axis), atol=1e-6)


def test_dropping_keeps_one_colour_and_fills_the_others_with_faint_noise() -> None:
    cures = PatchCures(**(PLAIN | {"colour": "dropping"}))
    patches = torch.rand(60, 3, 12, 12)
    cured = cures(patches, np.random.default_rng(0))
    kept = [[c for c in range(3) if torch.equal(cured[n, c], patches[n, c])] for n in range(60)]
    assert all(len(each) == 1 for each in kept)
    assert {each[0] for each in kept} == {0, 1, 2}
    for number, (colour,) in enumerate(kept):
        own = patches[number, colour]
        for other in {0, 1, 2} - {colour}:
            noise = cured[number, other] - own.mean()
            assert float(noise.std() / own.std()) == pytest.approx(0.01, rel=0.25)


def test_normalised_patches_have_the_usual_mean_and_deviation_whatever_the_light() -> None:
    cures = PatchCures(**(PLAIN | {"normalise": True}))
    patches = torch.rand(4, 3, 9, 9)
    cured = cures(patches, np.random.default_rng(0))
    assert torch.allclose(cured.mean(dim=(1, 2, 3)), torch.full((4,), 0.5), atol=1e-5)
    assert torch.allclose(cured.std(dim=(1, 2, 3), correction=0), torch.full((4,), 0.25), atol=1e-5)
    darker = cures(0.3 * patches + 0.1, np.random.default_rng(0))
    assert torch.allclose(cured, darker, atol=1e-4)
    flat = cures(torch.full((1, 3, 4, 4), 0.7), np.random.default_rng(0))
    assert torch.allclose(flat, torch.full_like(flat, 0.5), atol=1e-4)


def test_a_share_of_the_patches_is_reduced_to_no_less_than_asked_for() -> None:
    patches = torch.rand(400, 3, 16, 16)
    cures = PatchCures(**(PLAIN | {"downsampled_share": 0.33, "least_pixels": 64}))
    cured = cures(patches, np.random.default_rng(0))
    changed = [n for n in range(400) if not torch.allclose(cured[n], patches[n], atol=1e-6)]
    # One in nine of the reduced ones keeps its 16 of 8 to 16 pixels.
    assert pytest.approx(len(changed) / 400, abs=0.06) == 0.33 * 8 / 9
    most = F.interpolate(F.interpolate(patches, size=8, mode="area"), size=16, mode="bilinear")
    for number in changed:
        lost = float((cured[number] - patches[number]).abs().mean())
        assert lost <= float((most[number] - patches[number]).abs().mean()) * 1.3


@pytest.mark.parametrize(
    "wrong", [{"colour": "grey"}, {"downsampled_share": 1.5}, {"least_pixels": 0}]
)
def test_impossible_cures_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="was given"):
        PatchCures(**(PLAIN | wrong))


def test_windows_cover_an_image_at_equal_distances() -> None:
    grid = PatchGrid(patch_size=10, gap=4, jitter=2, most=(3, 3))
    places = grid.windows((27, 31), step=5)
    assert (places.rows, places.columns) == (4, 5)
    assert sorted(set(places.tops.tolist())) == [1, 6, 11, 16]
    assert sorted(set(places.lefts.tolist())) == [0, 5, 10, 15, 20]
    assert len(places.tops) == 20
