"""Pointing accuracy against upsampled maps, and what it counts."""

import pytest
import torch
import torch.nn.functional as F

from seqlab.metrics.pointing import PointingAccuracy


def test_equals_the_maximum_of_the_upsampled_map() -> None:
    torch.manual_seed(0)
    captions, steps, num_objects, (h, w), scale = 12, 5, 3, (3, 4), 5
    weights = torch.rand(captions, steps, h * w).softmax(dim=2)
    objects = torch.randint(-1, num_objects, (captions, steps))
    masks = torch.rand(4, num_objects, h * scale, w * scale) < 0.5
    image_index = torch.randint(0, 4, (captions,))
    hits = words = 0
    for b in range(captions):
        maps = weights[b].view(steps, 1, h, w)
        large = F.interpolate(maps, scale_factor=scale, mode="bilinear", align_corners=False)
        for t in range(steps):
            if objects[b, t] < 0:
                continue
            # On the border the map is flat outwards: the same value, and so the same location.
            y, x = (large[t, 0] == large[t, 0].max()).nonzero().float().mean(dim=0)
            y, x = int(y) // scale * scale + scale // 2, int(x) // scale * scale + scale // 2
            hits += masks[image_index[b], objects[b, t], y, x].item()
            words += 1
    accuracy = PointingAccuracy()
    accuracy.update(weights, (h, w), objects, masks, image_index)
    assert words > 10
    assert accuracy.compute().item() == pytest.approx(hits / words)


def test_a_case_by_hand() -> None:
    # Two images of 4 x 6 pixels, read at 2 x 3 locations of 2 x 2 pixels.
    masks = torch.zeros(2, 2, 4, 6, dtype=torch.bool)
    masks[0, 0, 3, 5] = True  # the centre pixel of the last location
    masks[0, 1, 0, 0] = True  # in the first location, but not at its centre
    masks[1, 0, 1, 3] = True  # the centre pixel of the second location
    weights = torch.zeros(2, 3, 6)
    weights[0, 0, 5] = 1  # hit
    weights[0, 1, 0] = 1  # near is no hit
    weights[0, 2, 5] = 1  # names nothing
    weights[1, 0, 1] = 1  # hit
    weights[1, 1, 1] = 1  # names an object that is hidden: does not count
    weights[1, 2, 4] = 1  # elsewhere
    objects = torch.tensor([[0, 1, -1], [0, 1, 0]])
    accuracy = PointingAccuracy()
    accuracy.update(weights, (2, 3), objects, masks)
    assert (accuracy.hits, accuracy.words) == (2, 4)
    accuracy.update(weights[:1], (2, 3), objects[:1], masks[:1])
    assert accuracy.compute().item() == pytest.approx(3 / 6)


def test_states_of_processes_add_up() -> None:
    accuracy = PointingAccuracy()
    assert set(accuracy._reductions) == {"hits", "words"}
    assert all(reduce(torch.tensor([2, 3])) == 5 for reduce in accuracy._reductions.values())


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_no_named_object_is_no_number() -> None:
    accuracy = PointingAccuracy()
    assert accuracy.compute().isnan()
    masks = torch.ones(1, 2, 4, 4, dtype=torch.bool)
    accuracy.update(torch.rand(1, 3, 4), (2, 2), torch.full((1, 3), -1), masks)
    assert accuracy.compute().isnan()


@pytest.mark.parametrize(
    ("grid", "objects", "image_index", "message"),
    [
        ((2, 3), (2, 3), None, "cannot be a grid of 2 x 3"),
        ((2, 2), (2, 4), None, r"objects of \(2, 4\)"),
        ((2, 2), (2, 3), torch.zeros(3).long(), "2 captions, but images for 3"),
        ((2, 2), (2, 3), None, "2 captions, but images for 1"),
    ],
)
def test_sizes_that_do_not_fit(grid, objects, image_index, message: str) -> None:
    masks = torch.ones(1, 1, 8, 8, dtype=torch.bool)
    with pytest.raises(ValueError, match=message):
        PointingAccuracy().update(
            torch.rand(2, 3, 4), grid, torch.zeros(objects).long(), masks, image_index
        )
