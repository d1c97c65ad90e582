"""Generated scenes with their captions, split."""

import hashlib

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.data.errors import DataError
from seqlab.data.sources import CaptionedImage, CaptionSource, CaptionSplit, Images
from seqlab.data.synthetic.scene_captions import captions
from seqlab.data.synthetic.scenes import SIDE, Scene, draw_scenes, render


class SceneImages(Images):
    """Pictures and label maps of scenes, all in memory as bytes."""

    def __init__(self, scenes: list[Scene]) -> None:
        self.scenes = scenes
        self._pixels: NDArray[np.uint8] = np.empty((len(scenes), 3, SIDE, SIDE), np.uint8)
        self._labels: NDArray[np.uint8] = np.empty((len(scenes), SIDE, SIDE), np.uint8)
        for number, scene in enumerate(scenes):
            self._pixels[number], self._labels[number] = render(scene)

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> Tensor:
        return torch.from_numpy(self._pixels[index])

    def labels(self, index: int) -> Tensor:
        return torch.from_numpy(self._labels[index])

    def fingerprint(self) -> str:
        return hashlib.sha256(self._pixels).hexdigest()


class CaptionedScenes(CaptionSource):
    """Scenes of shapes with five references each, masks of objects and the words that name them.

    Args:
        num_train: scenes to train on.
        num_val: scenes to validate on.
        num_test: scenes to test on; no description of a scene occurs twice, in whatever split.
        seed: what the scenes are a function of. It is not the run's, so that all seeds of an
            experiment see the same data.
    """

    may_be_augmented = False  # flipped, "left of" would be untrue

    def __init__(self, *, num_train: int, num_val: int, num_test: int, seed: int) -> None:
        self.sizes = {"train": num_train, "val": num_val, "test": num_test}
        self.seed = seed

    def read(self) -> dict[str, CaptionSplit]:
        try:
            scenes = iter(draw_scenes(self.seed, sum(self.sizes.values())))
        except ValueError as error:
            raise DataError(
                [str(error)], "ask for fewer: data.source.num_train and others"
            ) from error
        splits = {}
        for split, size in self.sizes.items():
            own = [next(scenes) for _ in range(size)]
            splits[split] = CaptionSplit(tuple(map(_example, own)), SceneImages(own))
        return splits


def _example(scene: Scene) -> CaptionedImage:
    references = captions(scene)
    return CaptionedImage(
        image_id=f"scene-{scene.seed}-{scene.number:05d}",
        captions=tuple(reference.text for reference in references),
        objects=tuple(reference.objects for reference in references),
    )
