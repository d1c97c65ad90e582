"""Generated scenes: drawn from a seed, all different, and their masks where their shapes are."""

import numpy as np
import pytest

from seqlab.data.synthetic.scenes import (
    COLOURS,
    SHAPES,
    SIDE,
    Scene,
    SceneObject,
    draw_scenes,
    render,
)


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return draw_scenes(3, 400)


def test_a_scene_is_a_function_of_the_seed_and_its_number(scenes: list[Scene]) -> None:
    assert draw_scenes(3, 400) == scenes
    assert draw_scenes(3, 50) == scenes[:50]
    assert draw_scenes(4, 50) != scenes[:50]
    pixels, labels = render(scenes[7])
    again, labels_again = render(scenes[7])
    np.testing.assert_array_equal(pixels, again)
    np.testing.assert_array_equal(labels, labels_again)


def test_no_description_occurs_twice() -> None:
    described = [scene.description for scene in draw_scenes(0, 5000)]
    assert len(set(described)) == 5000


def test_there_are_as_many_scenes_as_the_choices_allow() -> None:
    # per object 5 shapes, 7 colours, 2 sizes, not both alike; 2 axes, 2 backgrounds
    possible = (35 * 35 - 35) * 2 * 2 * 2 * 2
    with pytest.raises(ValueError, match=f"there are {possible} different scenes"):
        draw_scenes(0, possible + 1)


def test_main_objects_lie_as_the_scene_says(scenes: list[Scene]) -> None:
    for scene in scenes:
        first, second = scene.objects[:2]
        dx, dy = second.x - first.x, second.y - first.y
        along, across = (dx, dy) if scene.axis == "horizontal" else (dy, dx)
        assert along > first.radius + second.radius
        assert abs(across) <= 0.5 * along
        places = (first.x, second.x) if scene.axis == "horizontal" else (first.y, second.y)
        assert places[0] < SIDE / 2 < places[1]
        assert (first.shape, first.colour) != (second.shape, second.colour)
        assert all(thing.size == "tiny" for thing in scene.objects[2:])
    assert {len(scene.objects) for scene in scenes} == {2, 3, 4}


def test_masks_are_where_the_objects_are(scenes: list[Scene]) -> None:
    for scene in scenes[:100]:
        pixels, labels = render(scene)
        assert labels.max() == len(scene.objects)
        for number, thing in enumerate(scene.objects, start=1):
            y, x = np.nonzero(labels == number)
            # all visible: its extent is its size, around its centre
            assert abs(x + 0.5 - thing.x).max() <= thing.radius
            assert abs(y + 0.5 - thing.y).max() <= thing.radius
            assert np.ptp(x) + 2 >= 1.2 * thing.radius
            seen = pixels[:, y, x].mean(axis=1)
            assert abs(seen - np.array(COLOURS[thing.colour])).max() < 22


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        ("circle", np.pi),
        ("square", 1.6**2),
        ("triangle", 0.5 * 1.7 * 2 * 0.55 * 1.7),
        ("cross", 4 * 0.36 * 0.95 * 2 - 0.72**2),
        ("star", 5 * np.sin(np.pi / 5) * 0.5),  # ten triangles with sides 1 and 1/2
    ],
)
def test_area_of_a_shape(shape: str, area: float) -> None:
    radius = 25.0
    thing = SceneObject(shape, "red", "large", 32.3, 31.8, radius)
    _, labels = render(Scene(0, 0, (thing,), "horizontal", "dark"))
    assert (labels == 1).sum() == pytest.approx(area * radius**2, rel=0.03)


def test_dark_is_darker_than_light(scenes: list[Scene]) -> None:
    levels: dict[str, list[float]] = {"dark": [], "light": []}
    for scene in scenes[:60]:
        pixels, labels = render(scene)
        assert pixels.shape == (3, SIDE, SIDE)
        levels[scene.background].append(float(pixels[:, labels == 0].mean()))
    assert max(levels["dark"]) < 110 < 140 < min(levels["light"])


def test_everything_occurs(scenes: list[Scene]) -> None:
    main = [thing for scene in scenes for thing in scene.objects[:2]]
    assert {thing.shape for thing in main} == set(SHAPES)
    assert {thing.colour for thing in main} == set(COLOURS)
    assert {thing.size for thing in main} == {"large", "small"}
