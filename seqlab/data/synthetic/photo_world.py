"""What stands in generated photos: a meadow with a road, houses, trees, cars and more.

Every thing has parts that lie to each other as parts of such things do: the roof on the walls, the
door below the windows, the crown on the trunk, the wheels below the car. Where a patch lies can be
told from its neighbour by knowing them.
"""

from typing import NamedTuple

import numpy as np

from seqlab.data.synthetic.photo_geometry import Array, Body, ball, box, floor, pillar
from seqlab.data.synthetic.photo_paint import (
    Chance,
    Paint,
    banded,
    cabin,
    car_body,
    flowering,
    ground,
    leafy,
    mottled,
    pale,
    plain,
    reddish,
    striped,
    vivid,
    walls,
)

KINDS = ("house", "tree", "car", "lamp", "bush", "tower")


class Thing(NamedTuple):
    """A body, how it is painted, and of what kind of object it is a part."""

    body: Body
    paint: Paint
    kind: int  # number in KINDS, -1 for what is no object


def landscape(chance: Chance, camera_height: float, heading: float) -> list[Thing]:
    """Ground and objects of a photo.

    Args:
        chance: what stands where.
        camera_height: metres above the ground.
        heading: of the road, radians from straight ahead to the left.
    """
    meadow = Body(np.array([0.0, camera_height, 0.0]), np.inf, 0.0, floor())
    things = [Thing(meadow, ground(chance, heading), -1)]
    free = [(x, z) for x in (-0.6, -0.2, 0.2, 0.6) for z in (7.0, 11.0, 16.0, 24.0)]
    places = [free[index] for index in chance.permutation(len(free))]
    for sideways, away in places[: chance.integers(4, 8)]:
        distance = away * chance.uniform(0.85, 1.15)
        right = (sideways + chance.uniform(-0.15, 0.15)) * distance
        at = np.array([right, camera_height, distance])
        kind = int(chance.integers(len(KINDS)))
        make = (_house, _tree, _car, _lamp, _bush, _tower)[kind]
        things += [Thing(body, paint, kind) for body, paint in make(chance, at)]
    return things


Parts = list[tuple[Body, Paint]]


def _house(chance: Chance, at: Array) -> Parts:
    half = np.array([chance.uniform(1.6, 2.8), chance.uniform(1.2, 2.0), chance.uniform(1.2, 2.2)])
    yaw = chance.uniform(-0.6, 0.6)
    slab = np.array([half[0] + 0.3, chance.uniform(0.3, 0.6), half[2] + 0.3])
    wall, roof = pale(chance), reddish(chance)
    return [
        (_standing(at, half, yaw, 0.0), walls(chance, half, wall)),
        (_standing(at, slab, yaw, 2 * half[1]), striped("roof", roof, 6.0, axis=0)),
    ]


def _tree(chance: Chance, at: Array) -> Parts:
    radius, height = chance.uniform(0.15, 0.3), chance.uniform(1.6, 3.0)
    crown = chance.uniform(0.9, 1.6)
    bark, leaves = np.array([0.42, 0.28, 0.15]) * chance.uniform(0.8, 1.2), leafy(chance)
    return [
        (_upright(at, radius, height), striped("trunk", bark, 25.0, axis=0)),
        (_round(at, crown, height + 0.7 * crown), mottled("crown", leaves, 5.0, chance)),
    ]


def _car(chance: Chance, at: Array) -> Parts:
    lower = np.array([1.7, 0.38, 0.8])
    upper = np.array([0.95, 0.3, 0.7])
    yaw = chance.uniform(-0.5, 0.5)
    colour = vivid(chance)
    return [
        (_standing(at, lower, yaw, 0.25), car_body(colour)),
        (_standing(at, upper, yaw, 0.25 + 2 * lower[1]), cabin(colour, upper)),
        *[
            (_wheel(at, yaw, side, front), plain("wheel", np.array([0.08, 0.08, 0.09])))
            for side in (-1, 1)
            for front in (-1, 1)
        ],
    ]


def _lamp(chance: Chance, at: Array) -> Parts:
    height, globe = chance.uniform(2.8, 4.2), chance.uniform(0.28, 0.42)
    post = np.array([0.25, 0.27, 0.3]) * chance.uniform(0.7, 1.3)
    light = np.array([1.0, 0.93, 0.6])
    return [
        (_upright(at, 0.09, height), plain("lamp", post)),
        (_round(at, globe, height + 0.8 * globe), plain("lamp", light)),
    ]


def _bush(chance: Chance, at: Array) -> Parts:
    leaves = leafy(chance) * 0.8
    flowers = vivid(chance)
    return [(_round(at, chance.uniform(0.9, 1.5), 0.3), flowering(leaves, flowers, chance))]


def _tower(chance: Chance, at: Array) -> Parts:
    radius, height = chance.uniform(0.7, 1.1), chance.uniform(3.5, 5.5)
    colours = np.stack([pale(chance), reddish(chance)])
    return [
        (_upright(at, radius, height), banded(colours, height)),
        (_round(at, radius * 1.15, height), striped("roof", reddish(chance), 5.0, axis=1)),
    ]


def _standing(at: Array, half: Array, yaw: float, above: float) -> Body:
    """A box whose underside is `above` metres over the ground at a place [3]."""
    centre = at - [0, above + half[1], 0]
    return Body(centre, float(np.linalg.norm(half)), yaw, box(half))


def _upright(at: Array, radius: float, height: float) -> Body:
    centre = at - [0, height / 2, 0]
    around = float(np.hypot(radius, height / 2))
    return Body(centre, around, 0.0, pillar(radius, height / 2))


def _round(at: Array, radius: float, above: float) -> Body:
    """A ball whose centre is `above` metres over the ground."""
    return Body(at - [0, above, 0], radius, 0.0, ball(radius))


def _wheel(at: Array, yaw: float, side: int, front: int) -> Body:
    cos, sin = np.cos(yaw), np.sin(yaw)
    right, away = 1.05 * front, 0.75 * side
    centre = at + np.array([cos * right - sin * away, -0.34, sin * right + cos * away])
    return Body(centre, 0.34, 0.0, ball(0.34))
