"""How the bodies of generated photos are painted: colours, and the class of each place."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from seqlab.data.synthetic.photo_geometry import Array

CLASSES = (
    "sky",
    "grass",
    "road",
    "wall",
    "roof",
    "window",
    "door",
    "trunk",
    "crown",
    "car",
    "wheel",
    "lamp",
)
PALETTE = (
    "#8ecbe8",
    "#5f9e3a",
    "#808080",
    "#d9b382",
    "#a03c28",
    "#2f4b7c",
    "#6b4423",
    "#8b5a2b",
    "#1e6b2e",
    "#d62728",
    "#202020",
    "#f2d024",
)
NUMBER = {name: number for number, name in enumerate(CLASSES)}

Chance = np.random.Generator
# Of places and normals of a body's own axes, each [n, 3]: colours [n, 3] in [0, 1] and classes [n].
Paint = Callable[[Array, Array], tuple[Array, NDArray[np.uint8]]]


def _of(name: str, places: Array) -> NDArray[np.uint8]:
    return np.full(len(places), NUMBER[name], np.uint8)


def plain(name: str, colour: Array) -> Paint:
    def paint(places: Array, normals: Array) -> tuple[Array, NDArray[np.uint8]]:
        return np.broadcast_to(colour, places.shape).copy(), _of(name, places)

    return paint


def striped(name: str, colour: Array, frequency: float, *, axis: int) -> Paint:
    def paint(places: Array, normals: Array) -> tuple[Array, NDArray[np.uint8]]:
        wave = 0.85 + 0.15 * np.sign(np.sin(frequency * places[:, axis]))  # [n]
        return colour * wave[:, None], _of(name, places)

    return paint


def mottled(name: str, colour: Array, frequency: float, chance: Chance) -> Paint:
    ripples = Ripples(chance, frequency, 3)

    def paint(places: Array, normals: Array) -> tuple[Array, NDArray[np.uint8]]:
        return colour * (1 + 0.35 * ripples(places))[:, None], _of(name, places)

    return paint


def flowering(leaves: Array, flowers: Array, chance: Chance) -> Paint:
    ripples = Ripples(chance, 9.0, 3)

    def paint(places: Array, normals: Array) -> tuple[Array, NDArray[np.uint8]]:
        height = ripples(places)[:, None]  # [n, 1]
        colours = np.where(height > 0.75, flowers, leaves * (1 + 0.3 * height))
        return colours, _of("crown", places)

    return paint


def banded(colours: Array, height: float) -> Paint:
    def paint(places: Array, normals: Array) -> tuple[Array, NDArray[np.uint8]]:
        above = height / 2 - places[:, 1]  # [n], metres over the ground
        painted = colours[(above / 0.9).astype(int) % 2]  # [n, 3]
        around = np.arctan2(places[:, 0], -places[:, 2])  # [n], 0 towards the camera
        is_window = (np.abs(around) < 0.3) & (np.abs(above % 1.8 - 1.2) < 0.3) & (above > 1.5)
        is_door = (np.abs(around) < 0.45) & (above < 1.2)
        painted[is_window], painted[is_door] = (0.12, 0.16, 0.28), (0.3, 0.18, 0.08)
        classes = _of("wall", places)
        classes[is_window], classes[is_door] = NUMBER["window"], NUMBER["door"]
        return painted, classes

    return paint


def walls(chance: Chance, half: Array, colour: Array) -> Paint:
    """Bricks, a row of windows and, in front, a door."""
    glass, door = np.array([0.15, 0.2, 0.35]), vivid(chance) * 0.5
    door_at = chance.uniform(-0.5, 0.5) * half[0]
    storeys = 2 if half[1] > 1.5 else 1

    def paint(places: Array, normals: Array) -> tuple[Array, NDArray[np.uint8]]:
        is_front = np.abs(normals[:, 2]) > 0.5
        along = np.where(is_front, places[:, 0], places[:, 2])  # [n]
        above = half[1] - places[:, 1]  # [n], metres over the ground
        row = np.floor(above / 0.22)
        joint = (above % 0.22 < 0.04) | ((along + 0.2 * (row % 2)) % 0.4 < 0.04)
        painted = colour * np.where(joint, 0.8, 1.0)[:, None]  # [n, 3]
        storey = 2 * half[1] / storeys
        is_window = (np.abs((along + 0.5) % 1.1 - 0.55) < 0.32) & (
            np.abs(above % storey - 0.6 * storey) < 0.22 * storey
        )
        frame = (np.abs((along + 0.5) % 1.1 - 0.55) > 0.26) | (
            np.abs((along + 0.5) % 1.1 - 0.55) < 0.04
        )
        is_door = is_front & (np.abs(along - door_at) < 0.42) & (above < 1.25)
        is_window &= ~(is_front & (np.abs(along - door_at) < 0.55) & (above < 1.4))
        painted[is_window] = np.where(frame[is_window, None], 0.92, glass)
        painted[is_door] = door
        classes = _of("wall", places)
        classes[is_window], classes[is_door] = NUMBER["window"], NUMBER["door"]
        return painted, classes

    return paint


def car_body(colour: Array) -> Paint:
    def paint(places: Array, normals: Array) -> tuple[Array, NDArray[np.uint8]]:
        painted = np.broadcast_to(colour, places.shape).copy()
        is_light = (np.abs(places[:, 0]) > 1.45) & (np.abs(places[:, 1]) < 0.14)
        painted[is_light] = (1.0, 0.95, 0.75)
        painted[places[:, 1] > 0.28] *= 0.5
        return painted, _of("car", places)

    return paint


def cabin(colour: Array, half: Array) -> Paint:
    def paint(places: Array, normals: Array) -> tuple[Array, NDArray[np.uint8]]:
        painted = np.broadcast_to(colour, places.shape).copy()
        inside = np.abs(places[:, 1]) < 0.7 * half[1]
        side = np.where(np.abs(normals[:, 2]) > 0.5, places[:, 0] / half[0], places[:, 2] / half[2])
        is_glass = inside & (np.abs(side) < 0.88) & (np.abs(side) > 0.06)
        is_glass &= np.abs(normals[:, 1]) < 0.5
        painted[is_glass] = (0.2, 0.25, 0.32)
        classes = _of("car", places)
        classes[is_glass] = NUMBER["window"]
        return painted, classes

    return paint


def ground(chance: Chance, heading: float) -> Paint:
    """A meadow that was mown along the road, and the road."""
    road_at, swath = chance.uniform(-5, 5), chance.uniform(1.0, 1.8)  # metres
    grass = np.array([0.33, 0.5, 0.2]) * chance.uniform(0.8, 1.2)
    road = np.full(3, chance.uniform(0.35, 0.5))
    blades, gravel = Ripples(chance, 6.0, 3), Ripples(chance, 20.0, 2)
    cos, sin = np.cos(heading), np.sin(heading)

    def paint(places: Array, normals: Array) -> tuple[Array, NDArray[np.uint8]]:
        across = cos * places[:, 0] - sin * places[:, 2] - road_at  # [n]
        along = sin * places[:, 0] + cos * places[:, 2]  # [n]
        is_road = np.abs(across) < 2.2
        is_line = (np.abs(across) < 0.14) & (along % 3.0 < 1.6)
        is_line |= np.abs(np.abs(across) - 2.05) < 0.08
        fade = 1 / (1 + 0.02 * places[:, 2] ** 2)  # [n], far ripples are too fine for a pixel
        mown = np.sign(np.sin(np.pi * across / swath)) / (1 + 0.004 * places[:, 2] ** 2)  # [n]
        painted = grass * (1 + 0.3 * fade * blades(places) + 0.16 * mown)[:, None]  # [n, 3]
        painted[is_road] = (road * (1 + 0.12 * fade * gravel(places))[:, None])[is_road]
        painted[is_road & is_line] = 0.9
        classes = _of("grass", places)
        classes[is_road] = NUMBER["road"]
        return painted, classes

    return paint


class Ripples:
    """A pattern without a direction: waves of about one length, from all sides.

    Args:
        chance: of their directions and phases.
        frequency: radians per metre, about.
        num_waves: how many are added.
    """

    def __init__(self, chance: Chance, frequency: float, num_waves: int) -> None:
        waves = chance.normal(size=(3, num_waves))
        self.waves = (
            waves / np.linalg.norm(waves, axis=0) * frequency * chance.uniform(0.7, 1.4, num_waves)
        )
        self.phases = chance.uniform(0, 2 * np.pi, num_waves)

    def __call__(self, places: Array) -> Array:
        """Heights [n] from -1 to 1 at places [n, 3]."""
        return np.sin(places @ self.waves + self.phases).mean(axis=1)


def pale(chance: Chance) -> Array:
    return chance.uniform([0.6, 0.55, 0.45], [0.95, 0.9, 0.85])


def reddish(chance: Chance) -> Array:
    return chance.uniform([0.45, 0.15, 0.1], [0.7, 0.3, 0.25])


def leafy(chance: Chance) -> Array:
    return chance.uniform([0.1, 0.3, 0.08], [0.3, 0.55, 0.18])


def vivid(chance: Chance) -> Array:
    colour = chance.uniform(0.1, 0.35, 3)
    colour[chance.integers(3)] = chance.uniform(0.7, 0.95)
    colour[chance.integers(3)] += 0.25 * chance.random()
    return np.minimum(colour, 1.0)
