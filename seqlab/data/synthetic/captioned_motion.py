"""Generated videos of one moving shape, whose captions say what it is and how it moves."""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqlab.data.synthetic.generated_videos import Array, GeneratedVideos, refuse_small
from seqlab.data.synthetic.moving_scenes import (
    MOTIONS,
    NOISE,
    SHAPES,
    covered,
    draw_backdrop,
    move,
)
from seqlab.data.synthetic.scenes import COLOURS
from seqlab.data.video_caption_sources import VideoCaptionSource, VideoCaptionSplit

MOVES = {
    "left": "moves to the left",
    "right": "moves to the right",
    "up": "moves up",
    "down": "moves down",
    "clockwise": "turns clockwise",
    "counterclockwise": "turns counterclockwise",
    "growing": "grows",
    "shrinking": "shrinks",
    "bouncing": "goes to and fro",
    "drifting": "drifts slowly along a diagonal",
    "rushing": "rushes along a diagonal",
}
TEMPLATES = (
    "a {colour} {shape} {moves}",
    "there is a {colour} {shape} that {moves}",
    "we see how a {colour} {shape} {moves}",
    "the video shows a {colour} {shape} which {moves}",
)
CONTRAST = 60  # grey values by which a colour of a shape differs at least from what is behind it
_COLOUR_NAMES = tuple(COLOURS)


class MovingThing(NamedTuple):
    """What a video shows, by name."""

    shape: str
    colour: str
    motion: str


class CaptionedMotion(VideoCaptionSource):
    """Videos of a shape that moves, turns or grows, as in `moving_scenes`; each has four captions.

    A frame by itself says nothing of the motion.

    Args:
        num_train: videos to train on.
        num_val: videos to validate on.
        num_test: videos to test on.
        side: height and width in pixels.
        seconds: how long each is.
        seed: what the videos are a function of. It is not the run's, so that all seeds of an
            experiment see the same data.

    Raises:
        ValueError: the side is too short to tell shapes apart, or videos have no length.
    """

    def __init__(
        self, *, num_train: int, num_val: int, num_test: int, side: int, seconds: float, seed: int
    ) -> None:
        refuse_small(side, seconds)
        self.sizes = {"train": num_train, "val": num_val, "test": num_test}
        self.frame_size = (side, side)
        self.seconds = seconds
        self.seed = seed

    def read(self) -> dict[str, VideoCaptionSplit]:
        splits = {}
        for number, (split, count) in enumerate(self.sizes.items()):
            draw = partial(draw_video, self.frame_size[0])
            videos = GeneratedVideos(split, count, self.seconds, (self.seed, number), draw)
            things = (choose(videos.chance(index)) for index in range(count))
            splits[split] = VideoCaptionSplit(videos, tuple(captions(thing) for thing in things))
        return splits


def choose(chance: np.random.Generator) -> MovingThing:
    """What a video shows."""
    return MovingThing(
        SHAPES[chance.integers(len(SHAPES))],
        _COLOUR_NAMES[chance.integers(len(COLOURS))],
        MOTIONS[chance.integers(len(MOTIONS))],
    )


def captions(thing: MovingThing) -> tuple[str, ...]:
    """All that may be said of it."""
    words = {"shape": thing.shape, "colour": thing.colour, "moves": MOVES[thing.motion]}
    return tuple(template.format(**words) for template in TEMPLATES)


def draw_video(side: int, chance: np.random.Generator, times: Array) -> NDArray[np.uint8]:
    """Frames [F, 3, side, side] at some times [F]."""
    thing = choose(chance)
    colour = np.array(COLOURS[thing.colour], dtype=np.float64)  # [3]
    backdrop = draw_backdrop(chance, side)  # [3, side, side]
    while np.abs(colour - backdrop.mean(axis=(1, 2))).max() < CONTRAST:
        backdrop = draw_backdrop(chance, side)
    cover = covered(thing.shape, move(thing.motion, times, chance), side)[:, None]  # [F, 1, s, s]
    frames = cover * colour[:, None, None] + (1 - cover) * backdrop  # [F, 3, side, side]
    frames += NOISE * chance.standard_normal(frames.shape, dtype=np.float32)
    return frames.clip(0, 255).astype(np.uint8)
