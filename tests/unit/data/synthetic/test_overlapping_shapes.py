"""Scenes whose shapes hide each other, and whose masks are what is seen."""

import numpy as np
import pytest
import torch

from seqlab.data.synthetic.overlapping_shapes import LEAST_SEEN, OverlappingShapes, ShapeImages
from seqlab.data.synthetic.scenes import SHAPES, SIDE, inside


@pytest.fixture(scope="module")
def images() -> ShapeImages:
    source = OverlappingShapes(num_train=40, num_val=2, num_test=2, side=SIDE, seed=3)
    splits = source.read()
    assert not set(splits["train"].image_ids) & set(splits["test"].image_ids)
    train = splits["train"]
    assert isinstance(train, ShapeImages)
    return train


def test_masks_are_shapes_without_what_lies_on_them(images: ShapeImages) -> None:
    hidden = 0
    for index in range(len(images)):
        seen, things = images[index], images.scenes[index].objects
        assert [SHAPES[label] for label in seen.labels.tolist()] == [each.shape for each in things]
        above = np.zeros((SIDE, SIDE), bool)
        for mask, thing in zip(seen.masks.flip(0), reversed(things), strict=True):
            whole = inside(thing, SIDE)
            np.testing.assert_array_equal(mask, whole & ~above)
            assert mask.sum() >= LEAST_SEEN * whole.sum()
            hidden += int(mask.sum() < whole.sum())
            above |= whole
    assert hidden > 20


def test_boxes_are_tight(images: ShapeImages) -> None:
    seen = images[0]
    for box, mask in zip(seen.boxes.int().tolist(), seen.masks, strict=True):
        rows, columns = mask.nonzero(as_tuple=True)
        assert box == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_scenes_are_a_function_of_the_seed() -> None:
    def first(seed: int) -> torch.Tensor:
        source = OverlappingShapes(num_train=1, num_val=0, num_test=0, side=32, seed=seed)
        return source.read()["train"][0].image

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))
    with pytest.raises(ValueError, match="31 was given"):
        OverlappingShapes(num_train=1, num_val=0, num_test=0, side=31, seed=0)
