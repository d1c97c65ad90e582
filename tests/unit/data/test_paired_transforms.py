"""Image and labels stay on each other, whatever chance does to them."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from seqlab.data.batches import VOID
from seqlab.data.label_maps import Pair
from seqlab.data.paired_transforms import PairedAugmentation, fit, fitted_size, training_pair

SIZES = [((60, 80), (40, 48)), ((60, 80), (90, 100)), ((37, 53), (37, 60)), ((5, 7), (33, 1))]


def _augmentation(**changed: Any) -> PairedAugmentation:
    settings: dict[str, Any] = {
        "scale": (1.0, 1.0),
        "crop": False,
        "flip": False,
        "brightness": 0.0,
        "contrast": 0.0,
        "saturation": 0.0,
        "hue": 0.0,
    }
    return PairedAugmentation(**(settings | changed))


def _chance(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _numbered(height: int, width: int) -> Pair:
    """A picture whose red is the row and whose green is the column; labels are the row."""
    rows = torch.arange(height, dtype=torch.uint8).view(-1, 1).expand(height, width)
    columns = torch.arange(width, dtype=torch.uint8).expand(height, width)
    return Pair(torch.stack([rows, columns, torch.zeros_like(rows)]), rows.contiguous())


def _bytes(image: Tensor) -> Tensor:
    return (image * 255).round().long()


@pytest.mark.parametrize(("size", "crop_size"), SIZES)
def test_what_is_not_resized_is_cut_and_padded_exactly(
    size: tuple[int, int], crop_size: tuple[int, int]
) -> None:
    pair = _numbered(*size)
    drawn = [
        training_pair(pair, None, crop_size, _augmentation(crop=True, flip=True), _chance(seed))
        for seed in range(20)
    ]
    firsts = set()
    for image, labels in drawn:
        assert image.shape == (3, *crop_size)
        assert labels.shape == crop_size
        seen = labels != VOID
        assert seen.sum() == min(size[0], crop_size[0]) * min(size[1], crop_size[1])
        rows, columns = _bytes(image[0]), _bytes(image[1])
        assert torch.equal(labels[seen].long(), rows[seen])
        assert (_bytes(image)[:, ~seen] == 128).all()
        # each pixel that is seen is that of the picture, in order or mirrored
        steps = columns.diff(dim=1)[seen[:, 1:] & seen[:, :-1]]
        assert set(steps.tolist()) in ({1}, {-1}, set())
        assert set(rows.diff(dim=0)[seen[1:] & seen[:-1]].tolist()) <= {1}
        firsts.add((int(seen.nonzero()[0, 0]), int(rows[seen].min()), int(columns[seen].min())))
    movable = any(side > cut for side, cut in zip(size, crop_size, strict=True))
    assert len(firsts) > 3 or not movable  # anywhere
    middle = training_pair(pair, None, crop_size, _augmentation(), _chance())
    assert torch.equal(middle.labels, training_pair(pair, None, crop_size, None, _chance(1)).labels)


def test_the_middle_is_cut_where_there_is_no_chance() -> None:
    pair = _numbered(10, 6)
    cut = training_pair(pair, None, (4, 8), None, _chance())
    assert _bytes(cut.image[0])[:, 1].tolist() == [3, 4, 5, 6]
    assert cut.labels[0].tolist() == [VOID, 3, 3, 3, 3, 3, 3, VOID]


def test_labels_stay_on_the_picture_when_both_are_resized() -> None:
    """A slope of brightness shows at each pixel where in the picture it comes from."""
    slope = torch.arange(200, dtype=torch.uint8).expand(150, 200)
    pair = Pair(slope.expand(3, -1, -1), slope.contiguous())
    augmentation = _augmentation(scale=(0.5, 2.0), crop=True, flip=True)
    scales = []
    for seed in range(40):
        image, labels = training_pair(pair, (75, 100), (64, 64), augmentation, _chance(seed))
        seen = labels != VOID
        # The nearest pixel is at most half a pixel of the source off, as far on either side; at the
        # picture's edges fewer pixels are averaged.
        inner = torch.zeros_like(seen)
        inner[:, 3:-3] = seen[:, 6:] & seen[:, :-6]
        apart = labels[inner].float() - 255 * image[0][inner]
        assert apart.abs().max() <= 1.1
        assert abs(apart.mean()) < 0.2
        step = (255 * image[0]).diff(dim=1)[inner[:, 1:] & inner[:, :-1]].abs().mean()
        scales.append(2 / float(step))  # 200 columns to 100, then by the drawn factor
    assert min(scales) < 0.6
    assert max(scales) > 1.6
    assert all(0.45 < scale < 2.1 for scale in scales)


def test_scales_are_as_often_below_one_as_above() -> None:
    augmentation, chance = _augmentation(scale=(0.5, 2.0)), _chance()
    drawn = np.log2([augmentation.draw_scale(chance) for _ in range(2000)])
    assert drawn.min() >= -1
    assert drawn.max() <= 1
    np.testing.assert_allclose(np.quantile(drawn, [0.25, 0.5, 0.75]), [-0.5, 0, 0.5], atol=0.06)


def test_half_are_mirrored() -> None:
    pair = _numbered(3, 9)
    flip = _augmentation(flip=True)
    mirrored = [
        bool(image[1, 0, 0] > image[1, 0, -1])
        for image, _ in (training_pair(pair, None, None, flip, _chance(n)) for n in range(200))
    ]
    assert 70 < sum(mirrored) < 130


@pytest.mark.parametrize("setting", ["brightness", "contrast", "saturation", "hue"])
def test_colours_change_and_labels_do_not(setting: str) -> None:
    image = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8, generator=torch.manual_seed(0))
    pair = Pair(image, _numbered(8, 8).labels)
    changed = _augmentation(**{setting: 0.3})
    first, again, other = (
        training_pair(pair, None, None, changed, _chance(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(first.image, again.image)
    assert not torch.equal(first.image, other.image)
    assert torch.equal(first.labels, pair.labels)
    assert 0 <= first.image.min() <= first.image.max() <= 1


def test_brightness_is_a_factor() -> None:
    grey = Pair(torch.full((3, 2, 2), 100, dtype=torch.uint8), torch.zeros(2, 2, dtype=torch.uint8))
    factors = [
        float(
            training_pair(grey, None, None, _augmentation(brightness=0.2), _chance(n)).image[
                0, 0, 0
            ]
        )
        * 255
        / 100
        for n in range(100)
    ]
    assert 0.8 <= min(factors) < 0.85
    assert 1.15 < max(factors) <= 1.2 + 1e-6


@pytest.mark.parametrize(
    ("size", "within", "expected"),
    [
        ((360, 480), None, (360, 480)),
        ((360, 480), (180, 240), (180, 240)),
        ((360, 480), (180, 300), (180, 240)),
        ((480, 360), (180, 240), (180, 135)),
        ((2, 1000), (100, 100), (1, 100)),
        ((10, 20), (100, 100), (50, 100)),
    ],
)
def test_pictures_keep_their_aspect(
    size: tuple[int, int], within: tuple[int, int] | None, expected: tuple[int, int]
) -> None:
    assert fitted_size(size, within) == expected
    image = fit(torch.full((3, *size), 51, dtype=torch.uint8), within)
    torch.testing.assert_close(image, torch.full((3, *expected), 0.2))


@pytest.mark.parametrize(
    "wrong",
    [{"scale": (0.0, 1.0)}, {"scale": (2.0, 1.0)}, {"contrast": 1.1}, {"hue": 0.6}, {"hue": -0.1}],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} .* was given"):
        _augmentation(**wrong)
