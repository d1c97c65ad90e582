"""Generated scenes with the shape that each pixel belongs to, split."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.data.errors import DataError
from seqlab.data.label_maps import LabelledImages, LabelScheme, Pair, SegmentationSource
from seqlab.data.synthetic.scenes import SHAPES, Scene, draw_scenes, render

_PALETTE = ("#000000", "#d73a3a", "#3a6fd7", "#e0b62e", "#3aa655", "#9a4fc4")
_SIDES = range(32, 513)  # pixels


class SceneMasks(SegmentationSource):
    """Scenes of shapes; the classes are the background and the shapes, whatever their colour.

    Args:
        num_train: scenes to train on.
        num_val: scenes to validate on.
        num_test: scenes to test on; no description of a scene occurs twice, in whatever split.
        side: height and width in pixels.
        seed: what the scenes are a function of. It is not the run's, so that all seeds of an
            experiment see the same data.

    Raises:
        ValueError: the side is too short for the shapes to be told apart, or too long.
    """

    scheme = LabelScheme(
        classes=("background", *SHAPES),
        palette=_PALETTE,
        values={number: number for number in range(1 + len(SHAPES))},
    )

    def __init__(
        self, *, num_train: int, num_val: int, num_test: int, side: int, seed: int
    ) -> None:
        if side not in _SIDES:
            raise ValueError(f"side is from {_SIDES[0]} to {_SIDES[-1]} pixels, {side} was given")
        self.sizes = {"train": num_train, "val": num_val, "test": num_test}
        self.side = side
        self.seed = seed

    def read(self) -> dict[str, LabelledImages]:
        try:
            scenes = iter(draw_scenes(self.seed, sum(self.sizes.values())))
        except ValueError as error:
            raise DataError(
                [str(error)], "ask for fewer: data.source.num_train and others"
            ) from error
        return {
            split: MaskedScenes([next(scenes) for _ in range(size)], self.side)
            for split, size in self.sizes.items()
        }


class MaskedScenes(LabelledImages):
    """Pictures and label maps of scenes, all in memory as bytes.

    Args:
        scenes: what is to be seen.
        side: height and width in pixels.
    """

    def __init__(self, scenes: Sequence[Scene], side: int) -> None:
        super().__init__([f"scene-{scene.seed}-{scene.number:05d}" for scene in scenes])
        self.side = side
        self._pixels: NDArray[np.uint8] = np.empty((len(scenes), 3, side, side), np.uint8)
        self._labels: NDArray[np.uint8] = np.empty((len(scenes), side, side), np.uint8)
        for number, scene in enumerate(scenes):
            shapes = [0, *(1 + SHAPES.index(thing.shape) for thing in scene.objects)]
            self._pixels[number], objects = render(scene, side)
            self._labels[number] = np.array(shapes, np.uint8)[objects]

    def __getitem__(self, index: int) -> Pair:
        return Pair(torch.from_numpy(self._pixels[index]), self.labels(index))

    def labels(self, index: int) -> Tensor:
        return torch.from_numpy(self._labels[index])

    def size(self, index: int) -> tuple[int, int]:
        return self.side, self.side
