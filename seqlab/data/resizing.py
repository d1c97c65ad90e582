"""Images of as many pixels as are wanted, their aspect kept."""

import math

import numpy as np
from torch import Tensor
from torchvision.transforms import v2


class Resizing:
    """Resizes images by chance.

    Args:
        pixels: least and greatest number of pixels of an image; None for as many as it has.
        least_side: of an image that is resized, in pixels. A long and narrow one becomes larger
            than asked for until its shorter side has as many.

    Raises:
        ValueError: the numbers of pixels are not above 0 and in order.
    """

    def __init__(self, *, pixels: tuple[int, int] | None, least_side: int) -> None:
        if pixels is not None and not 0 < pixels[0] <= pixels[1]:
            raise ValueError(f"pixels go from above 0 up, {list(pixels)} was given")
        self.pixels, self.least_side = pixels, least_side

    def size(self, size: tuple[int, int], chance: np.random.Generator | None) -> tuple[int, int]:
        """Height and width of an image that had others; without chance, of the mean area."""
        if self.pixels is None:
            return size
        least, most = self.pixels
        wanted = math.sqrt(least * most) if chance is None else chance.uniform(least, most)
        factor = math.sqrt(wanted / (size[0] * size[1]))
        factor = max(factor, self.least_side / min(size))
        return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))

    def __call__(self, image: Tensor, chance: np.random.Generator | None) -> Tensor:
        """An image of bytes [3, height, width] in its new size, in [0, 1]."""
        size = self.size((image.shape[1], image.shape[2]), chance)
        if size != tuple(image.shape[1:]):
            image = v2.functional.resize(image, list(size), antialias=True)
        return image.float() / 255
