"""Segments that may be objects: superpixels, joined again and again."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.components.superpixels import superpixels


class Segments(NamedTuple):
    """Segments of an image as sets of its superpixels."""

    regions: Tensor  # [height, width], number of each pixel's superpixel
    members: Tensor  # [P, R], True where superpixel r is part of segment p


def grouped(image: Tensor, *, least: float, greatest: float) -> Segments:
    """All segments that occur while neighbouring superpixels are joined, the most alike first.

    Where the paper takes MCG (Arbelaez et al., 2014), this is the hierarchical grouping of Uijlings
    et al. (2013), section 3, with the distance of Ward (1963): by how much the sum of squared
    differences from the mean colour grows. Small segments are therefore joined early.

    Args:
        image: [3, height, width] with values in [0, 1].
        least: share of the image that a segment has at least.
        greatest: share that it has at most.

    Raises:
        MissingLibraryError: scikit-image is not installed.
    """
    regions = superpixels(image).cpu()  # [height, width]
    numbers = regions.numpy()
    count = int(numbers.max()) + 1
    sizes = np.bincount(numbers.reshape(-1), minlength=count).astype(np.float64)  # [R]
    colours = np.stack(
        [
            np.bincount(numbers.reshape(-1), weights=channel.reshape(-1), minlength=count)
            for channel in image.cpu().double().numpy()
        ],
        axis=1,
    )  # [R, 3], sums
    sets = _join(sizes, colours, _neighbours(numbers, count))  # [2 R - 1, R]
    shares = sets @ sizes / sizes.sum()
    chosen = sets[(shares >= least) & (shares <= greatest)]
    return Segments(regions, torch.from_numpy(chosen.astype(bool)))


def _neighbours(numbers: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """Which superpixels touch, [R, R]."""
    touching = np.zeros((count, count), bool)
    touching[numbers[:, :-1], numbers[:, 1:]] = True
    touching[numbers[:-1], numbers[1:]] = True
    touching |= touching.T
    np.fill_diagonal(touching, False)
    return touching


def _join(
    sizes: NDArray[np.float64], colours: NDArray[np.float64], touching: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The superpixels and what they become, [2 R - 1, R]; a union takes the place of one of two."""
    sizes, colours, touching = sizes.copy(), colours.copy(), touching.copy()
    current = np.eye(len(sizes))  # [R, R], the segments as they are now
    found = [current.copy()]
    means = colours / sizes[:, None]
    weights = sizes[:, None] * sizes / (sizes[:, None] + sizes)
    apart = ((means[:, None] - means) ** 2).sum(axis=2)
    costs = np.where(touching, weights * apart, np.inf)  # [R, R]
    for _ in range(len(sizes) - 1):
        first, second = np.unravel_index(costs.argmin(), costs.shape)
        current[first] += current[second]
        found.append(current[first : first + 1].copy())
        sizes[first] += sizes[second]
        colours[first] += colours[second]
        touching[first] |= touching[second]
        touching[first, first] = False
        touching[:, first] = touching[first]
        touching[second] = touching[:, second] = False
        costs[second] = costs[:, second] = np.inf
        means = colours / sizes[:, None]
        weight = sizes[first] * sizes / (sizes[first] + sizes)  # [R]
        cost = weight * ((means - means[first]) ** 2).sum(axis=1)
        costs[first] = costs[:, first] = np.where(touching[first], cost, np.inf)
    return np.concatenate(found)
