"""From a picture of any size to what a network takes; chance only where it is handed in."""

from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import v2

Augmentation = Literal["crop", "flip", "crop_flip"]

_SMALLEST_AREA = 0.6  # of the picture, in a random crop: less would lose what captions speak of
_ASPECTS = (3 / 4, 4 / 3)  # width to height of a random crop

# Names what is done to a picture that is not augmented, for the key of kept features.
DESCRIPTION = "short side to size, bilinear with antialiasing, centre crop, [0, 1]"


def fit(image: Tensor, size: int) -> Tensor:
    """Picture in [0, 1], [3, size, size]: the short side resized to `size`, the middle cut out.

    Args:
        image: bytes [3, height, width].
        size: pixels.
    """
    resized = v2.functional.resize(image, [size], antialias=True)
    return _to_unit(v2.functional.center_crop(resized, [size, size]))


def fit_labels(labels: Tensor, size: int) -> Tensor:
    """Label map [height, width] cut and resized as `fit` does with its picture, [size, size]."""
    nearest = v2.InterpolationMode.NEAREST
    resized = v2.functional.resize(labels.unsqueeze(0), [size], interpolation=nearest)
    return v2.functional.center_crop(resized, [size, size]).squeeze(0)


def augment(
    image: Tensor, size: int, augmentation: Augmentation, generator: np.random.Generator
) -> Tensor:
    """Picture in [0, 1], [3, size, size], changed by chance.

    Args:
        image: bytes [3, height, width].
        size: pixels.
        augmentation: `crop` cuts out a random part of at least 60 % of the area and of an aspect
            from 3:4 to 4:3, `flip` mirrors left and right half of the time, `crop_flip` does both.
        generator: the chance.
    """
    if "crop" in augmentation:
        top, left, height, width = _window(image.shape[1], image.shape[2], generator)
        fitted = _to_unit(
            v2.functional.resized_crop(
                image, top, left, height, width, [size, size], antialias=True
            )
        )
    else:
        fitted = fit(image, size)
    if "flip" in augmentation and generator.random() < 0.5:
        fitted = v2.functional.horizontal_flip(fitted)
    return fitted


def _window(height: int, width: int, generator: np.random.Generator) -> tuple[int, int, int, int]:
    """Top, left, height and width of a random part of a picture."""
    area = height * width * generator.uniform(_SMALLEST_AREA, 1)
    aspect = float(np.exp(generator.uniform(*np.log(_ASPECTS))))
    # Where the part would stick out, it is as long as the picture on that side.
    window_width = max(1, min(width, round((area * aspect) ** 0.5)))
    window_height = max(1, min(height, round((area / aspect) ** 0.5)))
    top = int(generator.integers(height - window_height + 1))
    left = int(generator.integers(width - window_width + 1))
    return top, left, window_height, window_width


def _to_unit(image: Tensor) -> Tensor:
    return v2.functional.to_dtype(image, torch.float32, scale=True)
