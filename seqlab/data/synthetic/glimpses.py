"""Generated videos of which a few frames tell all: shapes come and go, and a lamp is on once.

One shape after the other is seen. All have their colours, shapes, sizes and places from the same
chances; the captions speak of the one that is there while the lamp is on, and of no other. The lamp
hangs so high above the shapes that a convolution that sees 30 pixels, as the last of `small_conv`,
never sees both: what a frame shows of a shape is the same whether the lamp is on or not. Who takes
the mean of all frames knows which shapes there were, and that a lamp was on.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqlab.data.synthetic.generated_videos import Array, GeneratedVideos, refuse_small
from seqlab.data.synthetic.moving_scenes import NOISE, SHAPES, Motion, covered
from seqlab.data.synthetic.scenes import COLOURS
from seqlab.data.video_caption_sources import VideoCaptionSource, VideoCaptionSplit

TEMPLATES = (
    "a {size} {colour} {shape} is below the lamp",
    "the lamp shines on a {size} {colour} {shape}",
    "while it is bright we see a {size} {colour} {shape}",
    "there is a {size} {colour} {shape} when the lamp is on",
)
# In sides of the square in which shapes are; above it is half a square with the lamp.
SIZES = {"small": (0.12, 0.14), "large": (0.2, 0.22)}  # radius
HIGHEST = 0.53  # that a shape reaches, from the upper border of the square
LAMP = (0.5, 0.078, 0.0625)  # from the left, from the top of the picture, radius
TILT = 0.35  # radians by which a shape is turned at most
LEVELS = (30, 100)  # grey values of what is behind
ON, OFF = (255, 245, 180), (125, 125, 125)  # colours of the lamp
_COLOUR_NAMES, _SIZE_NAMES = tuple(COLOURS), tuple(SIZES)


class Thing(NamedTuple):
    """A shape, by name."""

    shape: str
    colour: str
    size: str


class Script(NamedTuple):
    """What a video shows, one after the other, and during which of them the lamp is on."""

    things: tuple[Thing, ...]
    lit: int


class Glimpses(VideoCaptionSource):
    """Videos of many shapes with four captions each, all of the one that is seen by the lamp.

    Args:
        num_train: videos to train on.
        num_val: videos to validate on.
        num_test: videos to test on.
        side: width in pixels; the height is half as much again.
        seconds: how long each is.
        num_glimpses: shapes that are seen, each for an equal part of the time.
        seed: what the videos are a function of. It is not the run's, so that all seeds of an
            experiment see the same data.

    Raises:
        ValueError: the side is too short to tell shapes apart, videos have no length, or no shape
            is seen.
    """

    def __init__(
        self,
        *,
        num_train: int,
        num_val: int,
        num_test: int,
        side: int,
        seconds: float,
        num_glimpses: int,
        seed: int,
    ) -> None:
        refuse_small(side, seconds)
        if num_glimpses < 1:
            raise ValueError(f"num_glimpses is at least 1, not {num_glimpses}")
        self.sizes = {"train": num_train, "val": num_val, "test": num_test}
        self.frame_size = (side + side // 2, side)
        self.seconds = seconds
        self.num_glimpses = num_glimpses
        self.seed = seed

    def read(self) -> dict[str, VideoCaptionSplit]:
        splits = {}
        for number, (split, count) in enumerate(self.sizes.items()):
            videos = GeneratedVideos(split, count, self.seconds, (self.seed, number), self._draw)
            scripts = [write(self.num_glimpses, videos.chance(index)) for index in range(count)]
            told = tuple(captions(script.things[script.lit]) for script in scripts)
            lit = [script.lit for script in scripts]
            splits[split] = VideoCaptionSplit(videos, told, partial(self._telling, lit))
        return splits

    def _telling(self, lit: list[int], index: int, times: Array) -> NDArray[np.bool_]:
        return self._glimpse(times) == lit[index]  # [F]

    def _glimpse(self, times: Array) -> NDArray[np.int64]:
        """Which shape is seen at some times, [F]."""
        parts = np.floor(times / self.seconds * self.num_glimpses).astype(np.int64)  # [F]
        return parts.clip(0, self.num_glimpses - 1)

    def _draw(self, chance: np.random.Generator, times: Array) -> NDArray[np.uint8]:
        script = write(self.num_glimpses, chance)
        return draw_video(script, self._glimpse(times), self.frame_size[1], chance)


def write(num_glimpses: int, chance: np.random.Generator) -> Script:
    """What a video shows."""
    things = tuple(
        Thing(
            SHAPES[chance.integers(len(SHAPES))],
            _COLOUR_NAMES[chance.integers(len(COLOURS))],
            _SIZE_NAMES[chance.integers(len(SIZES))],
        )
        for _ in range(num_glimpses)
    )
    return Script(things, int(chance.integers(num_glimpses)))


def captions(thing: Thing) -> tuple[str, ...]:
    """All that may be said of a video with this shape by the lamp."""
    return tuple(template.format(**thing._asdict()) for template in TEMPLATES)


def draw_video(
    script: Script, glimpse: NDArray[np.int64], side: int, chance: np.random.Generator
) -> NDArray[np.uint8]:
    """Frames [F, 3, side * 3 / 2, side], each of a shape of the script.

    Args:
        script: what there is to see.
        glimpse: which of its shapes each frame shows, [F].
        side: width in pixels.
        chance: draws all else.
    """
    lamp = _lamp(side)  # [side // 2, side]
    level = chance.uniform(*LEVELS)
    pictures = []
    for number, thing in enumerate(script.things):
        radius = chance.uniform(*SIZES[thing.size])
        x, y = chance.uniform(radius, 1 - radius), chance.uniform(HIGHEST + radius, 1 - radius)
        place = (np.array([each]) for each in (x, y, chance.uniform(-TILT, TILT), radius))
        cover = covered(thing.shape, Motion(*place), side)[0]  # [side, side]
        light = ON if number == script.lit else OFF
        above, below = _painted(lamp, light, level), _painted(cover, COLOURS[thing.colour], level)
        pictures.append(np.concatenate([above, below], axis=1))  # [3, side * 3 / 2, side]
    frames = np.stack(pictures)[glimpse]  # [F, 3, side * 3 / 2, side]
    frames += NOISE * chance.standard_normal(frames.shape, dtype=np.float32)
    return frames.clip(0, 255).astype(np.uint8)


def _lamp(side: int) -> Array:
    """How much of each pixel of the upper part the lamp covers, [side // 2, side]."""
    x, y, radius = (side * each for each in LAMP)
    columns, rows = np.arange(side) + 0.5, np.arange(side // 2) + 0.5
    distance = np.hypot(columns[None, :] - x, rows[:, None] - y)  # [side // 2, side]
    return (radius - distance + 0.5).clip(0, 1)


def _painted(cover: Array, colour: tuple[int, int, int], level: float) -> Array:
    """A picture [3, height, width] of grey, where it is covered [height, width] of a colour."""
    return cover * np.array(colour, dtype=np.float64)[:, None, None] + (1 - cover) * level
