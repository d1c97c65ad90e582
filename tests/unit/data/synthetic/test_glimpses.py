"""Generated videos with captions: what they show is what is said of them."""

from typing import Any

import numpy as np
import pytest

from seqlab.data.synthetic.captioned_motion import MOVES, CaptionedMotion
from seqlab.data.synthetic.glimpses import Glimpses, Script, Thing, captions, draw_video, write
from seqlab.data.synthetic.moving_scenes import MOTIONS, SHAPES
from seqlab.data.synthetic.scenes import COLOURS

TIMES = (np.arange(16) + 0.5) / 8


def glimpses(**changed: Any) -> Glimpses:
    sizes: dict[str, Any] = {"num_train": 40, "num_val": 5, "num_test": 5, "num_glimpses": 8}
    return Glimpses(**{**sizes, "side": 32, "seconds": 2.0, "seed": 0, **changed})


def test_the_frames_that_tell_are_those_with_the_lamp_on() -> None:
    split = glimpses().read()["train"]
    for index in range(40):
        frames = split.videos.frames(index, TIMES).float()
        assert frames.shape == (16, 3, 48, 32)
        lamp = frames[:, :, 1:4, 15:17].mean(dim=(2, 3)).numpy()  # [F, 3]
        telling = split.telling(index, TIMES)
        np.testing.assert_array_equal(telling, lamp[:, 0] > 200)
        assert telling.sum() == 2
        assert np.diff(np.flatnonzero(telling)).tolist() == [1]


def test_captions_name_the_shape_below_the_lamp() -> None:
    """Its colour is that of the pixels that differ from what is behind them."""
    split = glimpses().read()["train"]
    for index in range(40):
        lit = split.videos.frames(index, TIMES)[split.telling(index, TIMES)][0].float()
        off = (lit - lit[:, 20, 0][:, None, None]).abs().amax(dim=0)  # [48, 32]
        assert (off[5:33] < 40).all()  # nothing is between the lamp and the shape
        shape = lit[:, 33:][:, off[33:] > 60].median(dim=1).values.numpy()
        nearest = min(COLOURS, key=lambda name: np.abs(shape - np.array(COLOURS[name])).sum())
        assert len(set(split.captions[index])) == 4
        assert all(f" {nearest} " in caption for caption in split.captions[index])


def test_sizes_are_what_they_are_called() -> None:
    chance = np.random.default_rng(0)
    for shape in SHAPES:
        seen = {}
        for size in ("small", "large"):
            script = Script((Thing(shape, "yellow", size),), 0)
            frames = draw_video(script, np.zeros(1, np.int64), 32, chance)
            seen[size] = (frames[0, 0, 33:] > 170).sum()
        assert seen["large"] > 1.5 * seen["small"] > 0


def test_what_is_by_the_lamp_is_like_all_others() -> None:
    chance = np.random.default_rng(0)
    scripts = [write(4, chance) for _ in range(3000)]
    lit = [script.things[script.lit].colour for script in scripts]
    first = [script.things[0].colour for script in scripts]
    for colour in COLOURS:
        assert lit.count(colour) / 3000 == pytest.approx(1 / 7, abs=0.025)
        assert first.count(colour) / 3000 == pytest.approx(1 / 7, abs=0.025)
    places = np.bincount([script.lit for script in scripts]) / 3000
    np.testing.assert_allclose(places, 0.25, atol=0.035)


def test_videos_hang_on_seed_split_and_number_alone() -> None:
    one, two = glimpses().read(), glimpses(num_train=3).read()
    assert two["train"].captions == one["train"].captions[:3]
    same = one["test"].videos.frames(1, TIMES) == two["test"].videos.frames(1, TIMES)
    assert same.all()
    # A frame is that of its time, whichever others are asked for.
    late = one["test"].videos.frames(1, TIMES[8:]).float()
    whole = one["test"].videos.frames(1, TIMES)[8:].float()
    assert (late - whole).abs().mean() < 10  # but for the noise
    assert one["val"].captions != glimpses(seed=1).read()["val"].captions
    with pytest.raises(ValueError, match="num_glimpses is at least 1"):
        glimpses(num_glimpses=0)
    with pytest.raises(ValueError, match="at least 16 pixels"):
        glimpses(side=8)


def test_captions_of_motion_say_what_moves() -> None:
    """What goes to the left is found ever more to the left, on a picture without borders."""
    source = CaptionedMotion(num_train=120, num_val=1, num_test=1, side=32, seconds=2.0, seed=0)
    split = source.read()["train"]
    assert set(MOVES) == set(MOTIONS)
    seen = 0
    for index, told in enumerate(split.captions):
        colour = next(name for name in COLOURS if name in told[0])
        assert all(colour in caption for caption in told)
        moves = [name for name in ("left", "right", "up", "down") if f" {name}" in told[0]]
        if not moves:
            continue
        frames = split.videos.frames(index, TIMES).float()  # [F, 3, 32, 32]
        paint = np.array(COLOURS[colour], dtype=np.float32)[:, None, None]
        is_shape = np.abs(frames.numpy() - paint).max(axis=1) < 40  # [F, 32, 32]
        if is_shape.mean() > 0.3:  # what is behind it is too much like it to be told apart so
            continue
        axis = 1 if moves[0] in ("left", "right") else 0
        along = is_shape.sum(axis=1 if axis == 1 else 2)  # [F, 32]
        angle = np.exp(2j * np.pi * np.arange(32) / 32)
        turned = np.diff(np.unwrap(np.angle(along @ angle)))
        sign = -1 if moves[0] in ("left", "up") else 1
        assert np.median(sign * turned) > 0, told[0]
        seen += 1
    assert seen > 10


def test_captions_are_all_templates() -> None:
    told = captions(write(1, np.random.default_rng(0)).things[0])
    assert len(set(told)) == len(told) == 4
