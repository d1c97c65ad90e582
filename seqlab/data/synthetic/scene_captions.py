"""A small grammar that describes generated scenes, and knows which word names which object.

All templates speak of the two main objects, so that what a caption says can be read off the
picture; which five of them a scene gets is chance. The first template is the most frequent one.
"""

from typing import NamedTuple

import numpy as np

from seqlab.data.synthetic.scenes import Scene

CAPTIONS_PER_SCENE = 5


class Caption(NamedTuple):
    """One description."""

    text: str  # words separated by blanks
    objects: tuple[int, ...]  # per word the object it names by its colour or shape, -1 for none


# {A} and {B} are the main objects with their sizes, {a} and {b} without; A is left of B or above.
# {before} and {behind} are left of and right of, or above and below; {tone} is dark or light.
TEMPLATES = (
    "{A} is {before} {B}",
    "{behind} {A} is {B}",
    "there is {a} {before} {b}",
    "{a} and {b} on a {tone} background",
    "the picture shows {a} and {b}",
    "{A} next to {B}",
    "we see {b} {behind} {a}",
    "a {tone} picture of {A} and {B}",
)
_FREQUENT = 4.0  # how much likelier than each of the others the first template is to be drawn
_RELATIONS = {"horizontal": ("left of", "right of"), "vertical": ("above", "below")}


def describe(scene: Scene, template: str) -> Caption:
    """What a template says of a scene."""
    before, behind = _RELATIONS[scene.axis]
    words: list[str] = []
    objects: list[int] = []
    for part in template.format(
        # The objects stay as marks, because where their words come to stand is what is asked.
        A="<0>",
        B="<1>",
        a="<0->",
        b="<1->",
        before=before,
        behind=behind,
        tone=scene.background,
    ).split():
        if not part.startswith("<"):
            words.append(part)
            objects.append(-1)
            continue
        index = int(part[1])
        thing = scene.objects[index]
        determiners = ["a"] if "-" in part else ["a", thing.size]
        words += [*determiners, thing.colour, thing.shape]
        objects += [-1] * len(determiners) + [index, index]
    return Caption(" ".join(words), tuple(objects))


def captions(scene: Scene) -> tuple[Caption, ...]:
    """The references of a scene: different templates, drawn and ordered by chance."""
    generator = np.random.default_rng([scene.seed, 3, scene.number])
    weights = np.array([_FREQUENT] + [1.0] * (len(TEMPLATES) - 1))
    chosen = generator.choice(
        len(TEMPLATES), CAPTIONS_PER_SCENE, replace=False, p=weights / weights.sum()
    )
    return tuple(describe(scene, TEMPLATES[index]) for index in generator.permutation(chosen))


def oracle_caption(scene: Scene) -> str:
    """The most frequent template, told of what is really there.

    Scored against the references it is the ceiling: a captioner that errs in nothing cannot know
    which templates chance gave to a scene, and does best to use the likeliest.
    """
    return describe(scene, TEMPLATES[0]).text
