"""Generated videos of which a few frames tell all: shapes in the dark, and one in the light.

One shape after the other is seen. All have their colours, shapes, sizes and places from the same
chances; the captions speak of the one that is there when the light is on, and of no other.
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
    "a {size} {colour} {shape} is in the light",
    "the light falls on a {size} {colour} {shape}",
    "while it is bright we see a {size} {colour} {shape}",
    "there is a {size} {colour} {shape} when the light is on",
)
SIZES = {"small": (0.14, 0.17), "large": (0.23, 0.26)}  # radius in sides
PLACES = (0.3, 0.7)  # of a centre, in sides: all of a shape is seen
LEVELS = {"dark": (30, 60), "light": (165, 205)}  # grey values of what is behind
_COLOUR_NAMES, _SIZE_NAMES = tuple(COLOURS), tuple(SIZES)


class Thing(NamedTuple):
    """A shape, by name."""

    shape: str
    colour: str
    size: str


class Script(NamedTuple):
    """What a video shows, one after the other, and during which of them there is light."""

    things: tuple[Thing, ...]
    lit: int


class Glimpses(VideoCaptionSource):
    """Videos of many shapes with four captions each, all of the one that is seen in the light.

    Args:
        num_train: videos to train on.
        num_val: videos to validate on.
        num_test: videos to test on.
        side: height and width in pixels.
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
        self.frame_size = (side, side)
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
        return draw_video(script, self._glimpse(times), self.frame_size[0], chance)


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
    """All that may be said of a video with this shape in the light."""
    return tuple(template.format(**thing._asdict()) for template in TEMPLATES)


def draw_video(
    script: Script, glimpse: NDArray[np.int64], side: int, chance: np.random.Generator
) -> NDArray[np.uint8]:
    """Frames [F, 3, side, side], each of a shape of the script.

    Args:
        script: what there is to see.
        glimpse: which of its shapes each frame shows, [F].
        side: height and width in pixels.
        chance: draws all else.
    """
    pictures = []
    for number, thing in enumerate(script.things):
        x, y = chance.uniform(*PLACES, size=(2, 1))
        angle = chance.uniform(0, 2 * np.pi, size=1)
        motion = Motion(x, y, angle, chance.uniform(*SIZES[thing.size], size=1))
        cover = covered(thing.shape, motion, side)  # [1, side, side]
        level = chance.uniform(*LEVELS["light" if number == script.lit else "dark"])
        colour = np.array(COLOURS[thing.colour], dtype=np.float64)[:, None, None]  # [3, 1, 1]
        pictures.append(cover * colour + (1 - cover) * level)  # [3, side, side]
    frames = np.stack(pictures)[glimpse]  # [F, 3, side, side]
    frames += NOISE * chance.standard_normal(frames.shape, dtype=np.float32)
    return frames.clip(0, 255).astype(np.uint8)
