"""Rays of a pinhole camera, and where they meet the bodies of generated photos."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_TINY = 1e-9


class Hits(NamedTuple):
    """Where rays meet a body for the first time; `distance` is infinite where they miss it."""

    distance: Array  # [n], along rays that are as long as their direction
    place: Array  # [n, 3], of the body's own axes
    normal: Array  # [n, 3], of the body's own axes, outwards, of length 1


class Body(NamedTuple):
    """Something that rays meet; a sphere around it says which rays need not be tried.

    The axes of the world are right, down and away, its origin the camera. Those of a body are
    turned about the vertical by `yaw`.
    """

    centre: Array  # [3], of the body and of the sphere around it
    radius: float  # of the sphere around it
    yaw: float  # radians, from right towards away
    meet: Callable[[Array, Array], Hits]  # of an origin [3] and directions [n, 3], own axes


def directions(size: tuple[int, int], focal_length: float, pitch: float) -> Array:
    """Directions [height, width, 3] of the rays through the middles of the pixels.

    Args:
        size: height and width in pixels.
        focal_length: in pixels.
        pitch: radians by which the camera looks down.
    """
    height, width = size
    down, right = np.mgrid[0:height, 0:width] + 0.5
    rays = np.stack(
        [right - width / 2, down - height / 2, np.full(size, focal_length)], axis=-1
    )  # [height, width, 3]
    return rays / focal_length @ pitch_matrix(pitch).T


def pitch_matrix(pitch: float) -> Array:
    """The rotation [3, 3] from the axes of a camera that looks down by `pitch` to the world's."""
    cos, sin = np.cos(pitch), np.sin(pitch)
    return np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])


def yaw_matrix(yaw: float) -> Array:
    """The rotation [3, 3] from the axes of a body to those of the world."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    return np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])


def squared_lengths(rays: Array) -> Array:
    """Of rays [n, 3], [n]."""
    return np.einsum("ni,ni->n", rays, rays)


def may_meet(body: Body, rays: Array, squares: Array) -> NDArray[np.bool_]:
    """Which rays [n, 3] come near enough to a body to be tried, [n].

    Args:
        body: what they may meet.
        rays: their directions, [n, 3].
        squares: their squared lengths, [n].
    """
    if not np.isfinite(body.radius):
        return np.ones(len(rays), dtype=bool)
    along = rays @ body.centre  # [n]
    nearest = along / squares  # [n], where a ray is nearest to the centre
    apart = (body.centre**2).sum() - along * nearest  # [n], squared
    return (apart <= body.radius**2) & (along > -body.radius)


def box(half: Array) -> Callable[[Array, Array], Hits]:
    """A box of half sizes [3] around the origin of its axes."""

    def meet(origin: Array, rays: Array) -> Hits:
        safe = np.where(np.abs(rays) < _TINY, _TINY, rays)  # [n, 3]
        first, second = (-half - origin) / safe, (half - origin) / safe  # each [n, 3]
        near, far = np.minimum(first, second), np.maximum(first, second)
        axis = near.argmax(axis=1)  # [n]
        entry = np.take_along_axis(near, axis[:, None], axis=1)[:, 0]  # [n]
        met = (entry <= far.min(axis=1)) & (entry > _TINY)
        distance = np.where(met, entry, np.inf)
        normal = np.zeros_like(rays)
        rows = np.arange(len(rays))
        normal[rows, axis] = -np.sign(safe[rows, axis])
        return Hits(distance, origin + np.where(met, entry, 0)[:, None] * rays, normal)

    return meet


def ball(radius: float) -> Callable[[Array, Array], Hits]:
    """A sphere around the origin of its axes."""

    def meet(origin: Array, rays: Array) -> Hits:
        distance = _quadratic(squared_lengths(rays), rays @ origin, (origin**2).sum() - radius**2)
        place = origin + np.where(np.isfinite(distance), distance, 0)[:, None] * rays
        return Hits(distance, place, place / radius)

    return meet


def pillar(radius: float, half_height: float) -> Callable[[Array, Array], Hits]:
    """The side of an upright cylinder around the origin of its axes."""

    def meet(origin: Array, rays: Array) -> Hits:
        flat = np.array([1.0, 0.0, 1.0])
        distance = _quadratic(
            squared_lengths(rays * flat),
            (rays * flat) @ origin,
            (origin**2 * flat).sum() - radius**2,
        )
        place = origin + np.where(np.isfinite(distance), distance, 0)[:, None] * rays
        distance = np.where(np.abs(place[:, 1]) <= half_height, distance, np.inf)
        return Hits(distance, place, place * flat / radius)

    return meet


def floor() -> Callable[[Array, Array], Hits]:
    """The plane through the origin of its axes, seen from above."""

    def meet(origin: Array, rays: Array) -> Hits:
        falling = rays[:, 1] > _TINY
        distance = np.where(falling, -origin[1] / np.where(falling, rays[:, 1], 1.0), np.inf)
        place = origin + np.where(falling, distance, 0)[:, None] * rays
        return Hits(distance, place, np.broadcast_to([0.0, -1.0, 0.0], rays.shape))

    return meet


def _quadratic(a: Array, half_b: Array, c: float) -> Array:
    """The first positive t with a t^2 + 2 half_b t + c = 0, infinite where there is none."""
    under = half_b**2 - a * c
    root = np.sqrt(np.maximum(under, 0))
    first = (-half_b - root) / np.maximum(a, _TINY)
    return np.where((under >= 0) & (first > _TINY), first, np.inf)
