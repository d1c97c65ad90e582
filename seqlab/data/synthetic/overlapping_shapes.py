"""Generated scenes of shapes that hide parts of each other, with what is seen of each."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from seqlab.data.instance_sources import Annotated, InstanceImages, InstanceSource, annotated
from seqlab.data.synthetic.scenes import (
    BACKGROUNDS,
    COLOURS,
    SHAPES,
    SIDE,
    Scene,
    SceneObject,
    inside,
    render,
)

RADII = (8.0, 15.0)  # pixels of a scene of SIDE
NUM_OBJECTS = (2, 5)
LEAST_SEEN = 0.4  # of each shape
TRIES = 30  # places that are tried for a shape
_SIDES = range(32, 513)  # pixels


class OverlappingShapes(InstanceSource):
    """Scenes of two to five shapes of different colours; later ones lie on earlier ones.

    At least two fifths of each are seen. The classes are the shapes, whatever their colour.

    Args:
        num_train: scenes to train on.
        num_val: scenes to validate on.
        num_test: scenes to test on.
        side: height and width in pixels.
        seed: what the scenes are a function of. It is not the run's, so that all seeds of an
            experiment see the same data.

    Raises:
        ValueError: the side is too short for the shapes to be told apart, or too long.
    """

    classes = SHAPES

    def __init__(
        self, *, num_train: int, num_val: int, num_test: int, side: int, seed: int
    ) -> None:
        if side not in _SIDES:
            raise ValueError(f"side is from {_SIDES[0]} to {_SIDES[-1]} pixels, {side} was given")
        self.sizes = {"train": num_train, "val": num_val, "test": num_test}
        self.side = side
        self.seed = seed

    def read(self) -> dict[str, InstanceImages]:
        splits: dict[str, InstanceImages] = {}
        first = 0
        for split, size in self.sizes.items():
            numbers = range(first, first + size)
            splits[split] = ShapeImages([_draw(self.seed, n) for n in numbers], self.side)
            first += size
        return splits


class ShapeImages(InstanceImages):
    """Pictures of scenes and whose each pixel is, all in memory as bytes.

    Args:
        scenes: what is to be seen.
        side: height and width in pixels.
    """

    def __init__(self, scenes: Sequence[Scene], side: int) -> None:
        super().__init__([f"shapes-{scene.seed}-{scene.number:05d}" for scene in scenes])
        self.scenes = tuple(scenes)
        self.side = side
        self._pixels: NDArray[np.uint8] = np.empty((len(scenes), 3, side, side), np.uint8)
        self._owners: NDArray[np.uint8] = np.empty((len(scenes), side, side), np.uint8)
        for number, scene in enumerate(scenes):
            self._pixels[number], self._owners[number] = render(scene, side)

    def __getitem__(self, index: int) -> Annotated:
        things = self.scenes[index].objects
        numbers = np.arange(1, len(things) + 1, dtype=np.uint8)
        masks = self._owners[index] == numbers[:, None, None]  # [N, side, side]
        labels = [SHAPES.index(thing.shape) for thing in things]
        image = torch.from_numpy(self._pixels[index])
        return annotated(image, torch.from_numpy(masks), labels, [False] * len(labels))

    def size(self, index: int) -> tuple[int, int]:
        return self.side, self.side


def _draw(seed: int, number: int) -> Scene:
    """Shapes that are put down one after the other, wherever enough of all is still seen."""
    chance = np.random.default_rng([seed, 3, number])
    colours = chance.permutation(len(COLOURS))
    things: list[SceneObject] = []
    covers: list[NDArray[np.bool_]] = []  # of each shape, as if alone, [SIDE, SIDE]
    for place in range(int(chance.integers(NUM_OBJECTS[0], NUM_OBJECTS[1] + 1))):
        shape, colour = SHAPES[chance.integers(len(SHAPES))], tuple(COLOURS)[colours[place]]
        for _ in range(TRIES):
            radius = float(chance.uniform(*RADII))
            x, y = chance.uniform(radius + 1, SIDE - radius - 1, size=2).tolist()
            thing = SceneObject(shape, colour, "large", x, y, radius)
            tried = [*covers, inside(thing, SIDE)]
            if _least_seen(tried) >= LEAST_SEEN:
                things.append(thing)
                covers = tried
                break
    background = tuple(BACKGROUNDS)[chance.integers(len(BACKGROUNDS))]
    return Scene(seed, number, tuple(things), "horizontal", background)


def _least_seen(covers: Sequence[NDArray[np.bool_]]) -> float:
    """Which share is seen of the shape of which least is seen; later ones lie on top."""
    hidden = np.zeros_like(covers[0])
    least = 1.0
    for cover in reversed(covers):
        least = min(least, float((cover & ~hidden).sum() / cover.sum()))
        hidden |= cover
    return least
