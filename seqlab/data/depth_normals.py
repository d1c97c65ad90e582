"""Surface normals from depth, by the plane that fits best around each pixel."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

JUMP = 0.05  # share of a depth by which what belongs to the same surface may be nearer or farther
LEAST_SUPPORT = 0.5  # share of a window that has to belong to the surface in its middle

Array = NDArray[np.float64]


class Camera(NamedTuple):
    """A pinhole camera: focal lengths and principal point in pixels, the first pixel being 0."""

    fx: float
    fy: float
    cx: float
    cy: float


def normals_of_depth(
    depth: NDArray[np.float32], known: NDArray[np.bool_], camera: Camera, *, radius: int
) -> NDArray[np.float32]:
    """Normals [3, height, width], right, down and away from the camera; 0 where not known.

    A plane n . p = d that is seen along the rays r = ((u - cx) / fx, (v - cy) / fy, 1) has the
    inverse depth 1 / z = (n / d) . r, which is linear in the pixel (u, v). It is fitted by least
    squares over a window, to inverse depth because that is what a camera of structured light
    measures with even error. Pixels of a window count whose depth differs from that in its middle
    by less than 5 %; where they are fewer than half of it, or lie on a line, nothing is known.

    Args:
        depth: along the axis of the camera, in any unit, above 0 where known, [height, width].
        known: [height, width].
        camera: that saw it.
        radius: pixels from the middle of a window to its border, 1 or more.
    """
    inverse = np.where(known, 1 / np.where(known, depth, 1), 0).astype(np.float64)
    sums = _window_sums(inverse, known, radius)
    right, down, middle, is_found = _fit(sums, (2 * radius + 1) ** 2)
    rows, columns = np.indices(depth.shape, sparse=True)
    x, y = right * camera.fx, down * camera.fy  # [height, width], n / d with the next one
    z = (
        inverse
        + middle
        - x * (columns - camera.cx) / camera.fx
        - y * (rows - camera.cy) / camera.fy
    )
    normals = -np.stack([x, y, z])  # towards the camera: n . p is below 0
    length = np.linalg.norm(normals, axis=0)
    is_found &= known & (length > 0)
    return np.where(is_found, normals / np.where(is_found, length, 1), 0).astype(np.float32)


def _window_sums(inverse: Array, known: NDArray[np.bool_], radius: int) -> Array:
    """Sums over the window of each pixel, [9, height, width].

    Of 1, dx, dy, dx^2, dx dy, dy^2, e, e dx and e dy, where (dx, dy) is the way from the middle and
    e what the inverse depth differs from that in the middle. Each row of the window is summed
    first, so that dy enters once for all of its pixels.
    """
    height, width = inverse.shape
    middle = torch.from_numpy(inverse.astype(np.float32))  # [height, width]
    padded = F.pad(middle, (radius, radius, radius, radius))  # 0 where nothing is known
    nowhere = torch.from_numpy(~known)
    low = (middle / (1 + JUMP)).masked_fill_(nowhere, torch.inf)
    high = middle / (1 - JUMP)
    sums = torch.zeros(9, height, width)
    for dy in range(-radius, radius + 1):
        n, x, xx, e, ex = torch.zeros(5, height, width)
        for dx in range(-radius, radius + 1):
            there = padded.narrow(0, radius + dy, height).narrow(1, radius + dx, width)
            same = ((there > low) & (there < high)).float()
            apart = (there - middle).mul_(same)
            n.add_(same)
            x.add_(same, alpha=dx)
            xx.add_(same, alpha=dx * dx)
            e.add_(apart)
            ex.add_(apart, alpha=dx)
        for number, (row, factor) in enumerate(
            ((n, 1), (x, 1), (n, dy), (xx, 1), (x, dy), (n, dy * dy), (e, 1), (ex, 1), (e, dy))
        ):
            sums[number].add_(row, alpha=factor)
    return sums.double().numpy()


def _fit(sums: Array, window: int) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    """Slopes of inverse depth to the right and down, its height in the middle, and where found."""
    n, x, y, xx, xy, yy, e, ex, ey = sums
    count = np.maximum(n, 1)
    # About the mean of the pixels that count: two equations in the slopes are left.
    a, b, c = xx - x * x / count, xy - x * y / count, yy - y * y / count
    right_side, down_side = ex - e * x / count, ey - e * y / count
    determinant = a * c - b * b
    is_found = (n >= LEAST_SUPPORT * window) & (determinant > 1e-6 * count**2)
    divisor = np.where(is_found, determinant, 1)
    right = (c * right_side - b * down_side) / divisor
    down = (a * down_side - b * right_side) / divisor
    return right, down, (e - right * x - down * y) / count, is_found
