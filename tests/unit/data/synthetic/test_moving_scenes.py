"""Moving shapes: the class is in the motion, and in no single frame."""

import numpy as np
import pytest
import torch

from seqlab.data.synthetic.moving_scenes import (
    MOTIONS,
    Motion,
    MovingScenes,
    covered,
    draw_clip,
    move,
)

TIMES = np.arange(16) / 8


def moved(motion: str, count: int) -> dict[str, np.ndarray]:
    """Place, direction and size of many shapes of a class, each [count, F]."""
    chance = np.random.default_rng(0)
    motions = [move(motion, TIMES, chance) for _ in range(count)]
    return {name: np.stack([getattr(m, name) for m in motions]) for name in motions[0]._fields}


@pytest.mark.parametrize("motion", MOTIONS)
def test_what_a_frame_shows_is_alike_in_all_classes(motion: str) -> None:
    """At every time places, directions and sizes are uniform, whatever the motion."""
    found = moved(motion, 2000)
    shares = {
        "x": found["x"],
        "y": found["y"],
        "angle": found["angle"] / (2 * np.pi) % 1,
        "radius": (found["radius"] - 0.14) / (0.26 - 0.14),
    }
    for name, share in shares.items():
        ranked = np.sort(share, axis=0)  # [2000, F]
        uniform = (np.arange(2000) + 0.5)[:, None] / 2000
        distance = np.abs(ranked - uniform).max(axis=0)  # Kolmogorov and Smirnov's
        assert distance.max() < 1.95 / np.sqrt(2000), name  # one frame in a thousand lies beyond


def test_motions_are_what_they_are_called() -> None:
    def step(values: np.ndarray, period: float = 1.0) -> np.ndarray:
        """From frame to frame, the shorter way around."""
        return (np.diff(values, axis=1) + period / 2) % period - period / 2

    def steps(motion: str, name: str) -> np.ndarray:
        return step(moved(motion, 50)[name], 2 * np.pi if name == "angle" else 1.0)

    assert (steps("left", "x") < 0).all()
    assert np.allclose(steps("left", "y"), 0)
    assert (steps("right", "x") > 0).all()
    assert (steps("up", "y") < 0).all()
    assert (steps("down", "y") > 0).all()
    assert (steps("clockwise", "angle") > 0).all()
    assert np.allclose(steps("clockwise", "x"), 0)
    assert (steps("counterclockwise", "angle") < 0).all()
    assert (np.median(np.diff(moved("growing", 50)["radius"], axis=1), axis=1) > 0).all()
    assert (np.median(np.diff(moved("shrinking", 50)["radius"], axis=1), axis=1) < 0).all()
    far = np.hypot(steps("bouncing", "x").sum(axis=1), steps("bouncing", "y").sum(axis=1))
    assert (far < 0.41).all()  # it comes back
    slow, fast = (np.hypot(steps(m, "x"), steps(m, "y")) for m in ("drifting", "rushing"))
    assert slow.max() < 0.2 / 8 + 1e-9 < 0.7 / 8 - 1e-9 < fast.min()


def test_a_shape_is_drawn_where_it_is() -> None:
    quarter_turn = np.array([0.0, np.pi / 2])
    place = np.array([0.5, 1.0]), np.array([0.25, 0.25])
    cover = covered("bar", Motion(*place, quarter_turn, np.array([0.25, 0.25])), 32)
    # 16 pixels long and 6.4 wide: lying in the middle, then standing on the border.
    assert cover.sum(axis=(1, 2)) == pytest.approx([16 * 6.4] * 2, rel=0.01)
    assert cover[0, 7, 8:24].tolist() == [1.0] * 16
    assert cover[0].sum(axis=0)[[7, 24]].tolist() == [0.0, 0.0]
    assert cover[1, 0:16, 0].tolist() == cover[1, 0:16, 31].tolist() == [1.0] * 16
    frames = draw_clip("left", TIMES, 32, np.random.default_rng(7))
    assert frames.shape == (16, 3, 32, 32)


def test_splits_and_runs() -> None:
    source = MovingScenes(num_train=22, num_val=11, num_test=11, side=16, seconds=2.0, seed=3)
    splits = source.read()
    assert {name: len(split) for name, split in splits.items()} == {
        "train": 22,
        "val": 11,
        "test": 11,
    }
    assert np.bincount(splits["train"].labels).tolist() == [2] * 11
    first, again = (source.read()["train"].frames(4, TIMES) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, splits["val"].frames(4, TIMES))
    assert not torch.equal(first, splits["train"].frames(15, TIMES))  # of the same class
    with pytest.raises(ValueError, match="at least 16 pixels"):
        MovingScenes(num_train=1, num_val=1, num_test=1, side=8, seconds=2.0, seed=0)
