"""Superpixels: small regions of one colour, whose pixels decide together."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

# The scale prefers larger regions, sigma smooths the image before; as scikit-image's own example.
SCALE, SIGMA, MIN_SIZE = 100.0, 0.5, 20


class MissingLibraryError(ValueError):
    """scikit-image is not installed; the text says what to do."""


def superpixels(image: Tensor) -> Tensor:
    """Number of the superpixel of each pixel, [height, width], from 0 without a gap.

    Of Felzenszwalb and Huttenlocher (2004), by scikit-image, on the CPU.

    Args:
        image: [3, height, width] with values in [0, 1].

    Raises:
        MissingLibraryError: scikit-image is not installed.
    """
    pixels = image.permute(1, 2, 0).cpu().float().numpy()  # [height, width, 3]
    regions = library()(pixels, scale=SCALE, sigma=SIGMA, min_size=MIN_SIZE)  # [height, width]
    return torch.from_numpy(regions.astype(np.int64)).to(image.device)


def voted(logits: Tensor, images: Tensor) -> Tensor:
    """Scores [B, C, height, width] that are equal within each superpixel of an image.

    The class distribution of a superpixel is the mean of those of its pixels; Farabet et al.
    (2013), section 4.1. Its logarithm is given.

    Args:
        logits: unnormalised scores [B, C, height, width].
        images: [B, 3, height, width] with values in [0, 1].

    Raises:
        MissingLibraryError: scikit-image is not installed.
    """
    votes = []
    for scores, image in zip(logits.softmax(dim=1), images, strict=True):
        regions = superpixels(image).flatten()  # [height * width]
        ballots = scores.flatten(1).T  # [height * width, C]
        sums = ballots.new_zeros(int(regions.max()) + 1, len(scores))  # [R, C]
        sums.index_add_(0, regions, ballots)
        sizes = regions.bincount().unsqueeze(1)  # [R, 1]
        votes.append((sums / sizes)[regions].T.view_as(scores))  # [C, height, width]
    smallest = torch.finfo(logits.dtype).tiny
    return torch.stack(votes).clamp_min(smallest).log()  # [B, C, height, width]


def library() -> Callable[..., Any]:
    """scikit-image's superpixels of Felzenszwalb and Huttenlocher.

    Raises:
        MissingLibraryError: it is not installed.
    """
    try:
        from skimage.segmentation import felzenszwalb
    except ImportError as error:
        raise MissingLibraryError(
            "superpixels need scikit-image: pip install 'seqlab[segmentation]', or set "
            "superpixels to false"
        ) from error
    found: Callable[..., Any] = felzenszwalb
    return found
