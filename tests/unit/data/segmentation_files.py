"""Small pictures and label maps for tests of what reads them."""

from pathlib import Path

import numpy as np
from PIL import Image


def write_image(path: Path, size: tuple[int, int], seed: int = 0) -> None:
    """A picture of noise of a height and a width."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(noise).save(path)


def write_labels(path: Path, numbers: list[list[int]] | np.ndarray, palette: bool = False) -> None:
    """A label map, as numbers or with a palette."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.array(numbers, np.uint8))
    if palette:
        image.putpalette([7 * value % 256 for value in range(768)])
    image.save(path)
