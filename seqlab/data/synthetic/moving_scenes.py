"""Generated clips of one moving shape, whose class is the motion and nothing else.

Everything that a single frame shows has the same distribution in all classes at every time: shape,
colours, background, and
- place: where a shape starts is uniform on a picture without borders, which it leaves on one side
  and enters on the other, so that it is uniform at all times;
- direction: it points anywhere, also before it turns;
- size: uniform; what grows begins anew when it is as large as can be, from a size drawn uniformly.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.data.video_sources import Videos, VideoSource

MOTIONS = (
    "left",
    "right",
    "up",
    "down",
    "clockwise",
    "counterclockwise",
    "growing",
    "shrinking",
    "bouncing",
    "drifting",  # slowly along a diagonal
    "rushing",  # fast along a diagonal
)
SHAPES = ("bar", "triangle", "half disc", "cross")
RADII = (0.14, 0.26)  # of the side
DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}  # x, y
SPEEDS = {"straight": (0.3, 0.5), "drifting": (0.1, 0.2), "rushing": (0.7, 0.9)}  # sides a second
TURNS = (0.35, 0.55)  # a second
GROWTHS = (0.6, 0.9)  # of the range of radii, a second
BOUNCES = (0.8, 1.2)  # to and fro, a second
REACH = (0.12, 0.2)  # of a bounce, in sides
NOISE = 6.0  # standard deviation in grey values

Array = NDArray[np.float64]


class Motion(NamedTuple):
    """Where a shape is, how it lies and how large it is, at each time."""

    x: Array  # [F], centre in sides from the left
    y: Array  # [F], from the top
    angle: Array  # [F], radians
    radius: Array  # [F], sides


class MovingScenes(VideoSource):
    """Clips of a shape that moves, turns or grows.

    Args:
        num_train: clips to train on.
        num_val: clips to validate on.
        num_test: clips to test on.
        side: height and width in pixels.
        seconds: how long each is.
        seed: what the clips are a function of. It is not the run's, so that all seeds of an
            experiment see the same data.

    Raises:
        ValueError: the side is too short to tell shapes apart, or clips have no length.
    """

    classes = MOTIONS

    def __init__(
        self, *, num_train: int, num_val: int, num_test: int, side: int, seconds: float, seed: int
    ) -> None:
        if side < 16 or seconds <= 0:
            raise ValueError(
                f"side is at least 16 pixels and seconds above 0, not {side} and {seconds}"
            )
        self.sizes = {"train": num_train, "val": num_val, "test": num_test}
        self.frame_size = (side, side)
        self.seconds = seconds
        self.seed = seed

    def read(self) -> dict[str, Videos]:
        return {
            split: _Scenes(split, count, number, self)
            for number, (split, count) in enumerate(self.sizes.items())
        }


class _Scenes(Videos):
    """The clips of a split, drawn when they are asked for; classes take turns."""

    def __init__(self, split: str, count: int, number: int, source: MovingScenes) -> None:
        self.names = tuple(f"{split}:{index + 1}" for index in range(count))
        self.labels = tuple(index % len(MOTIONS) for index in range(count))
        self._key = (source.seed, number)
        self._source = source

    def duration(self, index: int) -> float:
        return self._source.seconds

    def frames(self, index: int, times: NDArray[np.float64]) -> Tensor:
        chance = np.random.default_rng([*self._key, index])
        side, _ = self._source.frame_size
        return torch.from_numpy(draw_clip(MOTIONS[self.labels[index]], times, side, chance))


def draw_clip(
    motion: str, times: Array, side: int, chance: np.random.Generator
) -> NDArray[np.uint8]:
    """Frames [F, 3, side, side] of a shape in motion.

    Args:
        motion: one of `MOTIONS`.
        times: in seconds, F.
        side: height and width in pixels.
        chance: draws all else.
    """
    shape = SHAPES[chance.integers(len(SHAPES))]
    colour = chance.uniform(0, 255, size=3)
    backdrop = draw_backdrop(chance, side)  # [3, side, side]
    # A shape as grey as what is behind it could not be seen.
    while np.abs(colour - backdrop.mean(axis=(1, 2))).max() < 80:
        colour = chance.uniform(0, 255, size=3)
    cover = covered(shape, move(motion, times, chance), side)[:, None]  # [F, 1, side, side]
    frames = cover * colour[:, None, None] + (1 - cover) * backdrop  # [F, 3, side, side]
    frames += NOISE * chance.standard_normal(frames.shape, dtype=np.float32)
    return frames.clip(0, 255).astype(np.uint8)


def move(motion: str, times: Array, chance: np.random.Generator) -> Motion:
    """A motion of a class, with all that may vary in it drawn."""
    x, y = chance.uniform(size=2)
    angle, share = chance.uniform(0, 2 * np.pi), chance.uniform()
    still = np.zeros_like(times)  # [F]
    steps_x, steps_y, turns = still, still, still
    shares = share + still  # [F], of the range of radii
    if motion in DIRECTIONS:
        way = chance.uniform(*SPEEDS["straight"]) * times
        steps_x, steps_y = (part * way for part in DIRECTIONS[motion])
    elif motion in ("drifting", "rushing"):
        way = chance.uniform(*SPEEDS[motion]) * times / np.sqrt(2)
        steps_x, steps_y = (chance.choice((-1, 1)) * way for _ in range(2))
    elif motion in ("clockwise", "counterclockwise"):  # y points down
        turns = chance.uniform(*TURNS) * times * (1 if motion == "clockwise" else -1)
    elif motion in ("growing", "shrinking"):
        grown = chance.uniform(*GROWTHS) * times
        shares = (share + (grown if motion == "growing" else -grown)) % 1
    else:  # bouncing: as fast to as fro, from any phase
        phase = (chance.uniform() + chance.uniform(*BOUNCES) * times) % 1
        way = chance.uniform(*REACH) * (4 * np.abs(phase - 0.5) - 1)
        direction = chance.uniform(0, 2 * np.pi)
        steps_x, steps_y = np.cos(direction) * way, np.sin(direction) * way
    radius = RADII[0] + (RADII[1] - RADII[0]) * shares
    return Motion((x + steps_x) % 1, (y + steps_y) % 1, angle + 2 * np.pi * turns, radius)


def covered(shape: str, motion: Motion, side: int) -> Array:
    """How much of each pixel a shape covers, [F, side, side], on a picture without borders."""
    centres = (np.arange(side) + 0.5) / side
    across = (centres - motion.x[:, None] + 0.5) % 1 - 0.5  # [F, side]
    along = (centres - motion.y[:, None] + 0.5) % 1 - 0.5  # [F, side]
    x, y = across[:, None, :] * side, along[:, :, None] * side  # pixels from the centre
    cos, sin = (part(motion.angle)[:, None, None] for part in (np.cos, np.sin))
    u, v = cos * x + sin * y, cos * y - sin * x  # [F, side, side], as the shape lies
    outside = _OUTSIDE[shape](u, v, motion.radius[:, None, None] * side)  # [F, side, side]
    return (0.5 - outside).clip(0, 1)


def _bar(u: Array, v: Array, radius: Array) -> Array:
    return np.maximum(abs(u) - radius, abs(v) - 0.4 * radius)


def _triangle(u: Array, v: Array, radius: Array) -> Array:
    return np.maximum(-u - 0.6 * radius, (0.45 * u + abs(v)) / 1.1 - 0.41 * radius)


def _half_disc(u: Array, v: Array, radius: Array) -> Array:
    return np.maximum(np.hypot(u, v) - radius, -v)


def _cross(u: Array, v: Array, radius: Array) -> Array:
    first = np.maximum(abs(u) - radius, abs(v) - 0.3 * radius)
    second = np.maximum(abs(v) - radius, abs(u) - 0.3 * radius)
    return np.minimum(first, second)


# How far a place is outside of a shape in pixels, below 0 inside.
_OUTSIDE: dict[str, Callable[[Array, Array, Array], Array]] = {
    "bar": _bar,
    "triangle": _triangle,
    "half disc": _half_disc,
    "cross": _cross,
}


def draw_backdrop(chance: np.random.Generator, side: int) -> Array:
    """A plain that is darker on one side, [3, side, side]."""
    level, tint = chance.uniform(60, 195), chance.uniform(-25, 25, size=3)
    slope, direction = chance.uniform(0, 40), chance.uniform(0, 2 * np.pi)
    place = np.arange(side) / side - 0.5
    tilt = np.cos(direction) * place[None, :] + np.sin(direction) * place[:, None]
    return level + tint[:, None, None] + slope * tilt[None]
