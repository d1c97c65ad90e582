"""The words of the generated parallel language."""

from typing import NamedTuple


class Noun(NamedTuple):
    """A noun; nothing in its English tells its gender."""

    english: str
    english_plural: str
    target: str
    feminine: bool

    @property
    def target_plural(self) -> str:
        """With n after a vowel, else with en."""
        return self.target + ("n" if self.target[-1] in "aeiou" else "en")


class Determiner(NamedTuple):
    """A determiner; the last word of the target gets an ending."""

    english: str
    target: str
    plural: bool | None  # what it demands of its noun, None for nothing


class Verb(NamedTuple):
    """A verb with its forms in English and its stem in the target."""

    base: str
    third_person: str
    past: str
    target: str
    particle: str = ""  # English: looks for, picks up
    separable: bool = False  # whether the object comes before the particle
    companion: str = ""  # a second word of the target, after the verb


class Adverb(NamedTuple):
    """At the end in English, at the begin in the target."""

    english: str
    target: str


ANIMATE = (
    Noun("dog", "dogs", "kano", False),
    Noun("cat", "cats", "mirra", True),
    Noun("boy", "boys", "filk", False),
    Noun("girl", "girls", "tarn", True),
    Noun("teacher", "teachers", "dosen", False),
    Noun("queen", "queens", "reva", True),
    Noun("horse", "horses", "brula", False),
    Noun("bird", "birds", "pilo", True),
    Noun("wolf", "wolves", "varg", False),
    Noun("child", "children", "nimo", True),
)
INANIMATE = (
    Noun("ball", "balls", "bolan", False),
    Noun("book", "books", "lirit", True),
    Noun("lamp", "lamps", "luz", True),
    Noun("key", "keys", "kleva", False),
    Noun("box", "boxes", "kesto", True),
)
DETERMINERS = (
    Determiner("the", "d", None),
    Determiner("a", "un", False),
    Determiner("some", "un", True),
    Determiner("this", "tek", False),
    Determiner("these", "tek", True),
    Determiner("every", "kada un", False),
)
ADJECTIVES = {"big": "gran", "small": "pik", "red": "ruv", "white": "blan", "young": "jun"}
TRANSITIVE = (
    Verb("chase", "chases", "chased", "hast"),
    Verb("see", "sees", "saw", "vid"),
    Verb("find", "finds", "found", "trov"),
    Verb("carry", "carries", "carried", "port"),
    Verb("help", "helps", "helped", "dar", companion="manu"),
    Verb("look", "looks", "looked", "serk", particle="for"),
    Verb("pick", "picks", "picked", "lev", particle="up", separable=True),
)
INTRANSITIVE = (
    Verb("sleep", "sleeps", "slept", "dorm"),
    Verb("run", "runs", "ran", "kur"),
    Verb("wake", "wakes", "woke", "vek", particle="up"),
)
ADVERBS = (
    Adverb("often", "molto"),
    Adverb("today", "sta dena"),
    Adverb("at night", "noktu"),
)
