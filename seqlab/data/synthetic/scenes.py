"""Generated scenes: two shapes worth a caption, smaller ones beside them, and all the truth.

A scene is a pure function of a seed and its number. No two scenes of one `draw_scenes` have the
same description (shapes, colours, sizes and relation of the two main objects, background), so that
splits cut from them are disjoint in what they show and not only in their pixels.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SIDE = 64  # pixels, unless a scene is drawn larger or smaller

SHAPES = ("circle", "square", "triangle", "cross", "star")
COLOURS = {
    "red": (215, 35, 35),
    "yellow": (245, 225, 45),
    "green": (35, 165, 60),
    "cyan": (40, 205, 215),
    "blue": (40, 75, 220),
    "purple": (140, 45, 185),
    "pink": (250, 150, 195),
}
RADII = {"large": (12.5, 13.5), "small": (8.0, 9.0), "tiny": (3.5, 4.5)}  # pixels
BACKGROUNDS = {"dark": (45, 75), "light": (165, 205)}  # grey values
AXES = ("horizontal", "vertical")

_MAIN_SIZES = ("large", "small")
_COLOUR_NAMES = tuple(COLOURS)
_NOISE = 5.0  # standard deviation in grey values


class SceneObject(NamedTuple):
    """One shape."""

    shape: str
    colour: str
    size: str  # large or small; tiny for what no caption mentions
    x: float  # centre in pixels from the left
    y: float  # centre in pixels from the top
    radius: float  # pixels


class Scene(NamedTuple):
    """What is in a picture, and how the two main objects lie to each other."""

    seed: int
    number: int
    objects: tuple[SceneObject, ...]  # the left or upper main object, the other one, tiny ones
    axis: str  # along which the main objects differ most
    background: str  # dark or light

    @property
    def description(self) -> tuple[object, ...]:
        """What a caption may say: equal for two scenes that could have the same captions."""
        main = tuple(thing[:3] for thing in self.objects[:2])
        return (*main, self.axis, self.background)


# shapes, colours and sizes of both main objects, then axis and background
_CHOICES = (len(SHAPES), len(COLOURS), 2, len(SHAPES), len(COLOURS), 2, 2, 2)


def draw_scenes(seed: int, count: int) -> list[Scene]:
    """Scenes whose descriptions all differ.

    Args:
        seed: what the scenes are a function of.
        count: how many.

    Raises:
        ValueError: there are not so many descriptions.
    """
    choices = np.stack(np.unravel_index(np.arange(np.prod(_CHOICES)), _CHOICES), axis=1)
    # Two objects of one shape and colour could not be told apart by words.
    distinct = (choices[:, 0] != choices[:, 3]) | (choices[:, 1] != choices[:, 4])
    choices = choices[distinct]
    if count > len(choices):
        raise ValueError(f"there are {len(choices)} different scenes, {count} were asked for")
    order = np.random.default_rng([seed, 0]).permutation(len(choices))[:count]
    return [_draw(seed, number, choices[index].tolist()) for number, index in enumerate(order)]


def _draw(seed: int, number: int, choice: list[int]) -> Scene:
    generator = np.random.default_rng([seed, 1, number])
    shape_a, colour_a, size_a, shape_b, colour_b, size_b, axis, background = choice
    sizes = (_MAIN_SIZES[size_a], _MAIN_SIZES[size_b])
    radii = [float(generator.uniform(*RADII[size])) for size in sizes]
    (xa, ya), (xb, yb) = _place(generator, radii[0], radii[1])
    if AXES[axis] == "vertical":
        xa, ya, xb, yb = ya, xa, yb, xb
    main = (
        SceneObject(SHAPES[shape_a], _COLOUR_NAMES[colour_a], sizes[0], xa, ya, radii[0]),
        SceneObject(SHAPES[shape_b], _COLOUR_NAMES[colour_b], sizes[1], xb, yb, radii[1]),
    )
    others = _draw_tiny(generator, main)
    return Scene(seed, number, (*main, *others), AXES[axis], tuple(BACKGROUNDS)[background])


def _place(
    generator: np.random.Generator, first: float, second: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Centres side by side, one in the left half and one in the right, clearly more apart in x."""
    apart = first + second + 1  # at least
    middle = SIDE / 2
    xa = generator.uniform(first + 1, min(middle - 2, SIDE - second - 1 - apart))
    xb = generator.uniform(max(middle + 2, xa + apart), SIDE - second - 1)
    ya = generator.uniform(first + 1, SIDE - first - 1)
    lowest = max(second + 1, ya - 0.5 * (xb - xa))
    highest = min(SIDE - second - 1, ya + 0.5 * (xb - xa))
    return (float(xa), float(ya)), (float(xb), float(generator.uniform(lowest, highest)))


def _draw_tiny(
    generator: np.random.Generator, main: tuple[SceneObject, ...]
) -> tuple[SceneObject, ...]:
    """Zero to two tiny objects where there is room."""
    placed = list(main)
    for _ in range(int(generator.integers(3))):
        radius = float(generator.uniform(*RADII["tiny"]))
        spots = generator.uniform(radius + 1, SIDE - radius - 1, size=(20, 2))
        centres = np.array([(thing.x, thing.y) for thing in placed])
        # Corners reach beyond the radius, by a fifth at most.
        reach = 1.2 * (np.array([thing.radius for thing in placed]) + radius)
        distance = np.linalg.norm(spots[:, None] - centres, axis=2)
        free = np.flatnonzero((distance > reach).all(axis=1))
        shape, colour = generator.integers(len(SHAPES)), generator.integers(len(COLOURS))
        if len(free):
            x, y = spots[free[0]].tolist()
            placed.append(SceneObject(SHAPES[shape], _COLOUR_NAMES[colour], "tiny", x, y, radius))
    return tuple(placed[len(main) :])


def render(scene: Scene, side: int = SIDE) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Picture and truth of a scene.

    Args:
        scene: what is to be seen.
        side: height and width in pixels; the objects grow with it.

    Returns:
        pixels [3, side, side], and labels [side, side]: 0 where the background is seen, n + 1 where
        object n is.
    """
    generator = np.random.default_rng([scene.seed, 2, scene.number])
    labels = np.zeros((side, side), np.uint8)
    for number, thing in enumerate(scene.objects, start=1):
        labels[inside(thing, side)] = number
    backdrop = _backdrop(generator, scene.background, side)  # [side, side]
    tint = generator.uniform(-8, 8, size=3).astype(np.float32)
    palette = np.array([(0, 0, 0), *(COLOURS[thing.colour] for thing in scene.objects)])
    shades = palette + generator.uniform(-15, 15, size=palette.shape)
    pixels = shades.T.astype(np.float32)[:, labels]  # [3, side, side]
    pixels = np.where(labels > 0, pixels, backdrop + tint[:, None, None])
    pixels += _NOISE * generator.standard_normal(pixels.shape, dtype=np.float32)
    return pixels.clip(0, 255).astype(np.uint8), labels


@cache
def _centres(side: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How far the pixel centres are from the top and from the left, [side, side], of SIDE."""
    y, x = (np.mgrid[0:side, 0:side].astype(np.float32) + 0.5) * np.float32(SIDE / side)
    return y, x


def _backdrop(generator: np.random.Generator, background: str, side: int) -> NDArray[np.float32]:
    """Grey values that are plain, graded, striped or chequered, and surely dark or light."""
    level = generator.uniform(*BACKGROUNDS[background])
    contrast = generator.uniform(10, 25)
    period = generator.uniform(8, 20)
    y, x = _centres(side)
    along, across = (x, y) if generator.integers(2) else (y, x)
    kind = generator.integers(4)
    if kind == 0:
        pattern = np.zeros_like(along)
    elif kind == 1:
        pattern = along / SIDE - 0.5
    else:
        stripes = along % period < period / 2
        pattern = (stripes if kind == 2 else stripes ^ (across % period < period / 2)) - 0.5
    return (level + contrast * pattern).astype(np.float32)


def inside(thing: SceneObject, side: int) -> NDArray[np.bool_]:
    """Which pixel centres [side, side] a shape covers, at most `radius` to each side."""
    y, x = _centres(side)
    x, y, radius = x - thing.x, y - thing.y, thing.radius
    if thing.shape == "circle":
        return x**2 + y**2 <= radius**2
    if thing.shape == "square":
        return np.maximum(abs(x), abs(y)) <= 0.8 * radius
    if thing.shape == "triangle":
        return (y <= 0.7 * radius) & (abs(x) <= 0.55 * (y + radius))
    if thing.shape == "cross":
        arms = np.minimum(abs(x), abs(y)) <= 0.36 * radius
        return arms & (np.maximum(abs(x), abs(y)) <= 0.95 * radius)
    angle = np.arctan2(x, -y) % (2 * np.pi / 5) - np.pi / 5  # within one fifth of the star
    inner, outer = 0.5, 1.0
    # The edge runs straight from a point (outer, at +-pi/5) to a notch (inner, at 0).
    px, py = outer * np.cos(np.pi / 5), outer * np.sin(np.pi / 5)
    along, sideways = np.cos(angle) * np.hypot(x, y), abs(np.sin(angle)) * np.hypot(x, y)
    return along <= radius * (inner + (px - inner) / py * sideways / radius)
