"""Pictures resized, cut and changed by chance, against Pillow and pixels by hand."""

import numpy as np
import pytest
import torch
from PIL import Image

from seqlab.data.transforms import augment, fit, fit_labels


def _picture(height: int, width: int) -> torch.Tensor:
    """Smooth, so that interpolations agree."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [255 * x / width, 255 * y / height, 127 + 100 * np.sin(x / 9)]
    return torch.from_numpy(np.stack(planes).astype(np.uint8))


def test_fit_equals_pillow() -> None:
    image = _picture(90, 160)
    pillow = Image.fromarray(image.permute(1, 2, 0).numpy())
    # short side 90 to 45, so 160 to 80, of which the middle 45
    resized = pillow.resize((80, 45), Image.Resampling.BILINEAR)
    cut = np.asarray(resized)[:, 17:62].astype(np.float32) / 255
    fitted = fit(image, 45)
    assert fitted.dtype == torch.float32
    shifted = np.asarray(resized)[:, 18:63].astype(np.float32) / 255
    error = min(np.abs(fitted.permute(1, 2, 0).numpy() - way).max() for way in (cut, shifted))
    assert error <= 1.01 / 255


def test_fit_changes_nothing_that_fits() -> None:
    image = _picture(64, 64)
    torch.testing.assert_close(fit(image, 64) * 255, image.float())


def test_labels_are_cut_as_the_picture_is() -> None:
    labels = torch.zeros(20, 40, dtype=torch.uint8)
    labels[4:8, 14:20] = 3
    cut = fit_labels(labels, 10)
    assert cut.shape == (10, 10)
    assert set(cut.unique().tolist()) == {0, 3}
    seen = fit((labels > 0).mul(255).byte().expand(3, -1, -1), 10)[0] > 0.5
    assert torch.equal(cut > 0, seen)


def test_chance_comes_from_the_generator_alone() -> None:
    image = _picture(80, 100)
    torch.manual_seed(0)
    one = augment(image, 32, "crop_flip", np.random.default_rng(5))
    torch.manual_seed(1)
    assert torch.equal(augment(image, 32, "crop_flip", np.random.default_rng(5)), one)
    assert not torch.equal(augment(image, 32, "crop_flip", np.random.default_rng(6)), one)


def test_flip_mirrors_half_of_the_time() -> None:
    image = _picture(40, 40)
    plain, flipped = fit(image, 40), fit(image, 40).flip(2)
    mirrored = 0
    for seed in range(200):
        changed = augment(image, 40, "flip", np.random.default_rng(seed))
        assert torch.equal(changed, plain) or torch.equal(changed, flipped)
        mirrored += torch.equal(changed, flipped)
    assert 75 < mirrored < 125


@pytest.mark.parametrize(("height", "width"), [(60, 60), (200, 50), (30, 90), (1, 300)])
def test_crops_lie_inside_and_vary(height: int, width: int) -> None:
    image = _picture(height, width)
    crops = [augment(image, 24, "crop", np.random.default_rng(seed)) for seed in range(30)]
    assert all(crop.shape == (3, 24, 24) for crop in crops)
    assert all(crop.min() >= 0 and crop.max() <= 1 for crop in crops)
    assert len({crop.numpy().tobytes() for crop in crops}) > 5
    if height == width:
        # Red rises from left to right by the width that was cut out: at least 60 % of the area.
        widths = [float(crop[0, 12, -1] - crop[0, 12, 0]) for crop in crops]
        assert min(widths) > np.sqrt(0.6 * 3 / 4) - 0.1
