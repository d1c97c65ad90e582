"""Scenes with the class of each pixel: splits that share nothing, at any size."""

import numpy as np
import pytest

from seqlab.data.errors import DataError
from seqlab.data.synthetic.scene_masks import SceneMasks
from seqlab.data.synthetic.scenes import SHAPES, SIDE, draw_scenes, render


def test_a_larger_picture_shows_the_same_scene() -> None:
    for scene in draw_scenes(2, 12):
        _, small = render(scene)
        pixels, large = render(scene, 2 * SIDE)
        assert pixels.shape == (3, 2 * SIDE, 2 * SIDE)
        for number in range(len(scene.objects) + 1):
            share, expected = (large == number).mean(), (small == number).mean()
            assert share == pytest.approx(expected, rel=0.25, abs=1e-3)
        # A small pixel lies in the middle of four large ones, which are of its object but at edges.
        blocks = large.reshape(SIDE, 2, SIDE, 2).swapaxes(1, 2).reshape(SIDE, SIDE, 4)
        whole = (blocks == blocks[..., :1]).all(axis=-1)
        assert whole.mean() > 0.85
        assert (blocks[whole][:, 0] == small[whole]).mean() > 0.995


def test_splits_and_classes() -> None:
    source = SceneMasks(num_train=20, num_val=6, num_test=4, side=40, seed=3)
    splits = source.read()
    ids = [image_id for split in splits.values() for image_id in split.image_ids]
    assert [len(split) for split in splits.values()] == [20, 6, 4]
    assert len(set(ids)) == 30
    assert source.scheme.classes == ("background", *SHAPES)
    assert len(source.scheme.palette) == 6
    found = np.unique(np.stack([splits["train"].labels(n) for n in range(20)]))
    assert found.tolist() == [0, 1, 2, 3, 4, 5]
    assert splits["val"].size(0) == (40, 40)
    pair, again = splits["val"][2], source.read()["val"][2]
    np.testing.assert_array_equal(pair.image, again.image)
    np.testing.assert_array_equal(pair.labels, again.labels)


def test_what_cannot_be_made_is_told() -> None:
    with pytest.raises(ValueError, match="32 to 512 pixels, 8 was given"):
        SceneMasks(num_train=1, num_val=1, num_test=1, side=8, seed=0)
    with pytest.raises(DataError, match=r"different scenes.*\nask for fewer"):
        SceneMasks(num_train=100_000, num_val=1, num_test=1, side=64, seed=0).read()
