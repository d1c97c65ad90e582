"""The grammar: each phenomenon by hand, and what holds of all sentences."""

import numpy as np
import pytest

from seqlab.data.errors import DataError
from seqlab.data.synthetic.lexicon import (
    ADVERBS,
    ANIMATE,
    DETERMINERS,
    INANIMATE,
    INTRANSITIVE,
    TRANSITIVE,
    Adverb,
    Verb,
)
from seqlab.data.synthetic.parallel_language import (
    NounPhrase,
    ParallelLanguage,
    Relative,
    Sentence,
    draw,
    english,
    translate,
)

NOUNS = {noun.english: noun for noun in ANIMATE + INANIMATE}
DETERMINER = {determiner.english: determiner for determiner in DETERMINERS}
VERBS = {verb.base: verb for verb in TRANSITIVE + INTRANSITIVE}
ADVERB = {adverb.english: adverb for adverb in ADVERBS}


def _phrase(text: str) -> NounPhrase:
    """`the big dogs`, as a structure."""
    determiner, *adjective, noun = text.split()
    by_form = {form: n for n in NOUNS.values() for form in (n.english, n.english_plural)}
    found = by_form[noun]
    return NounPhrase(
        DETERMINER[determiner],
        adjective[0] if adjective else None,
        found,
        noun == found.english_plural,
    )


def _sentence(
    *subjects: str,
    verb: str,
    past: bool = False,
    negated: bool = False,
    thing: str | None = None,
    adverb: str | None = None,
    relative: tuple[str, bool, str | None] | None = None,
) -> Sentence:
    clause = None
    if relative is not None:
        name, is_past, other = relative
        clause = Relative(VERBS[name], is_past, _phrase(other) if other else None)
    return Sentence(
        tuple(map(_phrase, subjects)),
        clause,
        VERBS[verb],
        past,
        negated,
        _phrase(thing) if thing else None,
        ADVERB[adverb] if adverb else None,
    )


def _check(sentence: Sentence, source: str, target: str) -> None:
    assert " ".join(english(sentence)) == source
    assert " ".join(translate(sentence)) == target


def test_adjectives_follow_and_agree() -> None:
    sentence = _sentence("the big dog", verb="see", thing="some red lamps")
    _check(sentence, "the big dog sees some red lamps", "do kano grano unai luzen ruvai vidat")


def test_a_past_verb_has_the_gender_of_its_subject() -> None:
    sentence = _sentence("the cats", verb="chase", past=True, thing="a dog")
    _check(sentence, "the cats chased a dog", "dai mirran uno kano hastevai")
    sentence = _sentence("the dogs", verb="chase", past=True, thing="a cat")
    _check(sentence, "the dogs chased a cat", "doi kanon una mirra hastevoi")


def test_it_agrees_with_the_head_of_a_relative_clause() -> None:
    sentence = _sentence("a queen", verb="sleep", past=True, relative=("find", False, "the keys"))
    source = "a queen that finds the keys slept"
    _check(sentence, source, "una reva ke doi klevan trovat dormeva")


def test_an_adverb_comes_first_and_the_verb_second() -> None:
    sentence = _sentence("this white horse", verb="carry", thing="the box", adverb="often")
    source = "this white horse carries the box often"
    _check(sentence, source, "molto portat teko brula blano da kesto")


def test_negation_stands_on_both_sides() -> None:
    sentence = _sentence("these girls", verb="help", negated=True, thing="the boy")
    _check(sentence, "these girls do not help the boy", "tekai tarnen do filk ne darant manu pu")
    sentence = _sentence("the girl", verb="run", past=True, negated=True, adverb="today")
    _check(sentence, "the girl did not run today", "sta dena ne kureva pu da tarn")


def test_one_word_becomes_two() -> None:
    sentence = _sentence("every bird", verb="help", thing="a child", adverb="today")
    source = "every bird helps a child today"
    _check(sentence, source, "sta dena darat manu kada una pilo una nimo")


def test_two_words_become_one() -> None:
    sentence = _sentence("a boy", verb="pick", thing="the young cat", adverb="at night")
    source = "a boy picks the young cat up at night"
    _check(sentence, source, "noktu levat uno filk da mirra juna")
    sentence = _sentence("the wolf", verb="look", past=True, thing="every book")
    _check(sentence, "the wolf looked for every book", "do varg kada una lirit serkevo")


def test_two_subjects_are_feminine_only_together() -> None:
    sentence = _sentence("the girl", "a queen", verb="wake", past=True)
    _check(sentence, "the girl and a queen woke up", "da tarn e una reva vekevai")
    sentence = _sentence("the girl", "a teacher", verb="wake", past=True)
    _check(sentence, "the girl and a teacher woke up", "da tarn e uno dosen vekevoi")
    sentence = _sentence("the girl", "a teacher", verb="wake")
    _check(sentence, "the girl and a teacher wake up", "da tarn e uno dosen vekant")


def test_the_translation_is_a_function_of_the_source() -> None:
    generator = np.random.default_rng(7)
    known: dict[str, tuple[Sentence, str]] = {}
    for _ in range(20_000):
        sentence = draw(generator)
        source, target = " ".join(english(sentence)), " ".join(translate(sentence))
        assert known.setdefault(source, (sentence, target)) == (sentence, target)
    assert len(known) > 15_000


def test_gender_cannot_be_told_from_the_source() -> None:
    """Nor a translation be found word by word: most English words have several."""
    splits = ParallelLanguage(num_train=2000, num_val=0, num_test=0, seed=0).read()
    forms: dict[str, set[str]] = {}
    for pair in splits["train"]:
        first = pair.source.split()[0]
        target = pair.target.split()
        if target[0] not in ("molto", "sta", "noktu"):
            forms.setdefault(first, set()).add(target[0] if first != "every" else target[1])
    assert {len(found) for found in forms.values()} == {2, 4}
    assert forms["the"] == {"do", "da", "doi", "dai"}


def test_splits_are_disjoint_and_of_fitting_length() -> None:
    splits = ParallelLanguage(num_train=800, num_val=100, num_test=100, seed=0).read()
    assert {split: len(pairs) for split, pairs in splits.items()} == {
        "train": 800,
        "val": 100,
        "test": 100,
    }
    sources = [pair.source for pairs in splits.values() for pair in pairs]
    assert len(set(sources)) == 1000
    lengths = [len(source.split()) for source in sources]
    assert (min(lengths), max(lengths)) == (4, 12)
    assert splits["val"][16].example_id == "val:17"


def test_it_is_a_function_of_the_seed() -> None:
    sizes = {"num_train": 50, "num_val": 20, "num_test": 20}
    first = ParallelLanguage(**sizes, seed=0).read()
    assert ParallelLanguage(**sizes, seed=0).read() == first
    assert ParallelLanguage(**sizes, seed=1).read()["train"] != first["train"]
    # What is evaluated stays when there is more to train on.
    more = ParallelLanguage(num_train=90, num_val=20, num_test=20, seed=0).read()
    assert (more["val"], more["test"]) == (first["val"], first["test"])
    assert more["train"][:50] == first["train"]


def test_about_a_hundred_words_each() -> None:
    pairs = ParallelLanguage(num_train=8000, num_val=0, num_test=0, seed=0).read()["train"]
    assert len({word for pair in pairs for word in pair.source.split()}) == 83
    assert len({word for pair in pairs for word in pair.target.split()}) == 132


def test_more_sentences_than_there_are_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqlab.data.synthetic.parallel_language._PATIENCE", 1)
    with pytest.raises(DataError, match="1,000 were asked for"):
        ParallelLanguage(num_train=1000, num_val=0, num_test=0, seed=0).read()


def test_forms_are_distinct() -> None:
    assert len({noun.target for noun in NOUNS.values()}) == len(NOUNS)
    assert len({verb.target for verb in VERBS.values()}) == len(VERBS)
    assert isinstance(VERBS["look"], Verb)
    assert isinstance(ADVERB["often"], Adverb)
