"""Generated photos: landscapes in perspective, and all the truth about each pixel.

A photo is a pure function of a seed and its number.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from seqlab.data.synthetic.photo_geometry import (
    Array,
    directions,
    may_meet,
    pitch_matrix,
    squared_lengths,
    yaw_matrix,
)
from seqlab.data.synthetic.photo_paint import NUMBER, Ripples
from seqlab.data.synthetic.photo_world import KINDS, Thing, landscape

LEAST_SEEN = 0.004  # share of the pixels from which on an object counts as shown
_NOISE = 3.0  # standard deviation in grey values
_HAZE = 60.0  # metres after which two thirds of a colour are gone


class Photo(NamedTuple):
    """A photo, and what it shows."""

    image: Tensor  # bytes [3, height, width]
    labels: Tensor  # bytes [height, width], numbers in CLASSES
    normals: Tensor  # [3, height, width], right, down and away from the camera; 0 in the sky
    shows: Tensor  # [kinds], True for the kinds of objects that are seen


def take_photo(seed: int, number: int, size: tuple[int, int], aberration: float = 0.0) -> Photo:
    """Make a photo.

    Args:
        seed: of all the photos.
        number: of this one.
        size: height and width in pixels.
        aberration: lateral chromatic aberration of the lens: by how much red and blue, that is
            magenta, are magnified about the middle and green is not.
    """
    chance = np.random.default_rng([seed, number])
    camera_height, pitch = chance.uniform(1.4, 2.4), chance.uniform(-0.08, 0.16)
    heading = chance.uniform(-0.4, 0.4)
    things = landscape(chance, camera_height, heading)
    rays = directions(size, focal_length=0.9 * size[1], pitch=pitch)  # [height, width, 3]
    colours, distances, normals, labels, kinds = _cast(things, rays.reshape(-1, 3))
    sun = _sun(chance)
    light = 0.6 + 0.5 * np.maximum(0, normals @ sun)  # [n]
    horizon = np.array([0.82, 0.87, 0.92])
    haze = (1 - np.exp(-distances / _HAZE))[:, None]  # [n, 1]
    colours = (1 - haze) * colours * light[:, None] + haze * horizon
    is_sky = ~np.isfinite(distances)
    colours[is_sky] = _sky(chance, rays.reshape(-1, 3)[is_sky], horizon, heading)
    picture = colours.reshape(*size, 3) * 255  # [height, width, 3]
    if aberration:
        picture = _aberrated(picture, aberration)
    picture += chance.normal(0, _NOISE, picture.shape)
    image = torch.from_numpy(picture.clip(0, 255).astype(np.uint8)).permute(2, 0, 1)
    facing = (normals @ pitch_matrix(pitch)).reshape(*size, 3)  # of the camera's axes
    return Photo(
        image=image.contiguous(),
        labels=torch.from_numpy(labels.reshape(size)),
        normals=torch.from_numpy(facing.astype(np.float32)).permute(2, 0, 1).contiguous(),
        shows=torch.from_numpy(_shown(kinds)),
    )


def _cast(
    things: list[Thing], rays: Array
) -> tuple[Array, Array, Array, NDArray[np.uint8], NDArray[np.int64]]:
    """What rays [n, 3] meet: colours [n, 3], distances, normals [n, 3], classes and kinds [n].

    Where a ray meets nothing its distance is infinite, its normal 0 and its kind -1.
    """
    count = len(rays)
    colours, normals = np.zeros((count, 3)), np.zeros((count, 3))
    distances = np.full(count, np.inf)
    classes = np.full(count, NUMBER["sky"], np.uint8)
    kinds = np.full(count, -1)
    squares = squared_lengths(rays)  # [n]
    for thing in things:
        body = thing.body
        tried = np.flatnonzero(may_meet(body, rays, squares))
        turn = yaw_matrix(body.yaw)  # from the body's axes to the world's
        hits = body.meet(-body.centre @ turn, rays[tried] @ turn)
        is_first = hits.distance < distances[tried]
        seen = tried[is_first]
        if not len(seen):
            continue
        colours[seen], classes[seen] = thing.paint(hits.place[is_first], hits.normal[is_first])
        distances[seen] = hits.distance[is_first]
        normals[seen] = hits.normal[is_first] @ turn.T
        kinds[seen] = thing.kind
    return colours, distances, normals, classes, kinds


def _sun(chance: np.random.Generator) -> Array:
    """The direction [3] to the sun, somewhere above and behind the camera."""
    towards = np.array([chance.uniform(-1, 1), -chance.uniform(0.5, 1.0), -chance.uniform(0.2, 1)])
    return towards / np.linalg.norm(towards)


def _sky(chance: np.random.Generator, rays: Array, horizon: Array, heading: float) -> Array:
    """Colours [n, 3]: blue above, pale at the horizon, with streets of clouds along the road."""
    up = np.clip(-rays[:, 1] / np.linalg.norm(rays, axis=1), 0, 1)  # [n]
    blue = np.array([0.3, 0.52, 0.85]) * chance.uniform(0.85, 1.1)
    colours = horizon + (blue - horizon) * (up**0.6)[:, None]
    cos, sin = np.cos(heading), np.sin(heading)
    height = np.maximum(-rays[:, 1], 0.02)  # [n]; clouds lie on a plane above the camera
    across = (cos * rays[:, 0] - sin * rays[:, 2]) / height
    along = (sin * rays[:, 0] + cos * rays[:, 2]) / height
    puffs = Ripples(chance, 2.2, 4)(np.stack([2 * across, along, 0 * along], axis=1))  # [n]
    streets = np.sin(chance.uniform(1.6, 2.6) * across + chance.uniform(0, 6))  # [n]
    cover = np.clip((puffs + 0.6 * streets - chance.uniform(0.0, 0.5)) * 1.6, 0, 1)  # [n]
    cover *= np.clip(up / 0.1, 0, 1)  # which are too fine for a pixel at the horizon
    return colours + cover[:, None] * (0.97 - colours)


def _aberrated(picture: Array, aberration: float) -> Array:
    """A picture [height, width, 3] whose red and blue are magnified about the middle."""
    channels = torch.from_numpy(picture).permute(2, 0, 1).unsqueeze(1)  # [3, 1, height, width]
    scales = 1 / torch.tensor([1 + aberration, 1.0, 1 + aberration], dtype=torch.float64)  # [3]
    matrices = torch.zeros(3, 2, 3, dtype=torch.float64)
    matrices[:, 0, 0] = matrices[:, 1, 1] = scales
    grid = F.affine_grid(matrices, list(channels.shape), align_corners=False)
    moved = F.grid_sample(channels, grid, padding_mode="border", align_corners=False)
    return moved[:, 0].permute(1, 2, 0).numpy().copy()


def _shown(kinds: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which kinds are seen on enough pixels, [kinds]."""
    counts = np.bincount(kinds[kinds >= 0], minlength=len(KINDS))
    return counts >= LEAST_SEEN * len(kinds)
