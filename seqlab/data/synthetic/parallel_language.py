"""A small English and a made-up language into which a grammar translates it.

What makes it a test of translation:

- agreement: determiners, adjectives and past verbs of the target have the gender and number of a
  noun, which may stand at the other end of the sentence; English shows no gender at all;
- reordering: adjectives follow their noun; the verb is last, but where English ends in an adverb
  the target begins with it, and the verb comes second;
- negation stands on both sides of the verb, and tense is in the verb, not in an auxiliary;
- words that become several (`help`, `today`, `every`) and several that become one (`look for`,
  `pick .. up` with the object in between, `at night`).

A sentence is a structure with one form in each language, and no two structures have the same
English, so the translation is a function of the source.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from seqlab.data.errors import DataError
from seqlab.data.parallel_text import ParallelSource, SentencePair
from seqlab.data.synthetic.lexicon import (
    ADJECTIVES,
    ADVERBS,
    ANIMATE,
    DETERMINERS,
    INANIMATE,
    INTRANSITIVE,
    TRANSITIVE,
    Adverb,
    Determiner,
    Noun,
    Verb,
)

Choice = TypeVar("Choice")

LEAST_WORDS, MOST_WORDS = 4, 12  # of an English sentence
_PATIENCE = 2000  # sentences in a row that were drawn before


class NounPhrase(NamedTuple):
    """`the big dogs`."""

    determiner: Determiner
    adjective: str | None  # English
    noun: Noun
    plural: bool


class Relative(NamedTuple):
    """`that saw the cat`, with the noun before it as its subject."""

    verb: Verb
    past: bool
    object: NounPhrase | None


class Sentence(NamedTuple):
    """What is said."""

    subjects: tuple[NounPhrase, ...]  # one, or two joined by `and`
    relative: Relative | None  # of a single subject
    verb: Verb
    past: bool
    negated: bool
    object: NounPhrase | None
    adverb: Adverb | None


class Agreement(NamedTuple):
    """What determiners, adjectives and verbs take over from a noun."""

    feminine: bool
    plural: bool

    def ending(self) -> str:
        """Of determiners, adjectives and past verbs."""
        return ("ai" if self.plural else "a") if self.feminine else ("oi" if self.plural else "o")


def english(sentence: Sentence) -> list[str]:
    """The words of the source."""
    plural = _agreement(sentence.subjects).plural
    words = _joined([_english_phrase(phrase) for phrase in sentence.subjects], "and")
    if sentence.relative is not None:
        verb, past, thing = sentence.relative
        words += ["that", *_english_predicate(verb, _form(verb, past, plural), thing)]
    if sentence.negated:
        words += ["did" if sentence.past else "do" if plural else "does", "not"]
        form = sentence.verb.base
    else:
        form = _form(sentence.verb, sentence.past, plural)
    words += _english_predicate(sentence.verb, form, sentence.object)
    return words + (sentence.adverb.english.split() if sentence.adverb else [])


def translate(sentence: Sentence) -> list[str]:
    """The words of the target."""
    agreement = _agreement(sentence.subjects)
    subject = _joined([_phrase(phrase) for phrase in sentence.subjects], "e")
    if sentence.relative is not None:
        verb, past, thing = sentence.relative
        subject += ["ke", *(_phrase(thing) if thing else []), *_conjugate(verb, past, agreement)]
    verbs = _conjugate(sentence.verb, sentence.past, agreement)
    if sentence.negated:
        verbs = ["ne", *verbs, "pu"]
    things = _phrase(sentence.object) if sentence.object else []
    if sentence.adverb:
        return [*sentence.adverb.target.split(), *verbs, *subject, *things]
    return [*subject, *things, *verbs]


def _agreement(subjects: tuple[NounPhrase, ...]) -> Agreement:
    """Of several nouns: plural, and feminine only if all are."""
    feminine = all(phrase.noun.feminine for phrase in subjects)
    return Agreement(feminine, len(subjects) > 1 or subjects[0].plural)


def _joined(phrases: list[list[str]], conjunction: str) -> list[str]:
    words = list(phrases[0])
    for phrase in phrases[1:]:
        words += [conjunction, *phrase]
    return words


def _english_phrase(phrase: NounPhrase) -> list[str]:
    adjective = [phrase.adjective] if phrase.adjective else []
    noun = phrase.noun.english_plural if phrase.plural else phrase.noun.english
    return [phrase.determiner.english, *adjective, noun]


def _form(verb: Verb, past: bool, plural: bool) -> str:
    """The English verb without an auxiliary."""
    return verb.past if past else verb.base if plural else verb.third_person


def _english_predicate(verb: Verb, form: str, thing: NounPhrase | None) -> list[str]:
    particle = [verb.particle] if verb.particle else []
    things = _english_phrase(thing) if thing else []
    return [form, *things, *particle] if verb.separable else [form, *particle, *things]


def _phrase(phrase: NounPhrase) -> list[str]:
    """`the big dogs` as `doi kanon granoi`."""
    ending = Agreement(phrase.noun.feminine, phrase.plural).ending()
    words = phrase.determiner.target.split()
    words[-1] += ending
    words.append(phrase.noun.target_plural if phrase.plural else phrase.noun.target)
    return words + ([ADJECTIVES[phrase.adjective] + ending] if phrase.adjective else [])


def _conjugate(verb: Verb, past: bool, subject: Agreement) -> list[str]:
    """Present: number; past: gender and number."""
    ending = "ev" + subject.ending() if past else "ant" if subject.plural else "at"
    return [verb.target + ending, *([verb.companion] if verb.companion else [])]


def draw(generator: np.random.Generator) -> Sentence:
    """A sentence by chance, of any length."""

    def happens(probability: float) -> bool:
        return bool(generator.random() < probability)

    def pick(choices: Sequence[Choice]) -> Choice:
        return choices[int(generator.integers(len(choices)))]

    def phrase(nouns: tuple[Noun, ...], adjective: float) -> NounPhrase:
        determiner = pick(DETERMINERS)
        return NounPhrase(
            determiner,
            pick(tuple(ADJECTIVES)) if happens(adjective) else None,
            pick(nouns),
            determiner.plural if determiner.plural is not None else happens(0.5),
        )

    def predicate(adjective: float) -> tuple[Verb, NounPhrase | None]:
        if happens(0.3):
            return pick(INTRANSITIVE), None
        return pick(TRANSITIVE), phrase(ANIMATE + INANIMATE, adjective)

    subjects = tuple(phrase(ANIMATE, 0.4) for _ in range(2 if happens(0.2) else 1))
    relative = None
    if len(subjects) == 1 and happens(0.3):
        verb, thing = predicate(0.0)
        relative = Relative(verb, happens(0.5), thing)
    verb, thing = predicate(0.4)
    past, negated = happens(0.5), happens(0.25)
    adverb = pick(ADVERBS) if happens(0.35) else None
    return Sentence(subjects, relative, verb, past, negated, thing, adverb)


class ParallelLanguage(ParallelSource):
    """Generated sentences and their only right translations.

    Args:
        num_train: pairs to train on.
        num_val: pairs to validate on.
        num_test: pairs to test on; no sentence occurs twice, in whatever split.
        seed: what the sentences are a function of. It is not the run's, so that all seeds of an
            experiment see the same data.
    """

    source_language = "en"
    target_language = "art"  # the code of made-up languages

    def __init__(self, *, num_train: int, num_val: int, num_test: int, seed: int) -> None:
        # The test split is drawn first: more or less to train on leaves it as it is.
        self.sizes = {"test": num_test, "val": num_val, "train": num_train}
        self.seed = seed

    def read(self) -> dict[str, tuple[SentencePair, ...]]:
        generator = np.random.default_rng([self.seed, 20])
        drawn: set[str] = set()
        splits = {
            split: tuple(
                SentencePair(f"{split}:{number}", *self._new(generator, drawn))
                for number in range(1, size + 1)
            )
            for split, size in self.sizes.items()
        }
        return {split: splits[split] for split in ("train", "val", "test")}

    def _new(self, generator: np.random.Generator, drawn: set[str]) -> tuple[str, str]:
        """A sentence of fitting length that was not drawn before, and its translation."""
        for _ in range(_PATIENCE):
            sentence = draw(generator)
            words = english(sentence)
            source = " ".join(words)
            if LEAST_WORDS <= len(words) <= MOST_WORDS and source not in drawn:
                drawn.add(source)
                return source, " ".join(translate(sentence))
        problem = (
            f"the grammar has hardly more than {len(drawn):,} sentences, "
            f"{sum(self.sizes.values()):,} were asked for"
        )
        raise DataError([problem], "ask for fewer: data.source.num_train and others")
