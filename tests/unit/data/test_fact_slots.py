"""Slots of facts, each kind by hand."""

import pytest

from seqlab.data.fact_slots import FactSlots, Sentences, Slot, Triples, Windows
from seqlab.data.question_coding import Splitter

WORDS = Splitter()
NAMES = Splitter(["blade runner", "ridley scott", "blade runner 2049"])


def test_a_sentence_is_a_slot() -> None:
    words = ("mary", "got", "the", "milk")
    assert Sentences().cut("Mary got the milk.", WORDS) == [
        Slot("Mary got the milk.", words, words, words)
    ]


def test_a_triple_is_found_from_both_ends() -> None:
    forward, back = Triples().cut("Blade Runner directed_by Ridley Scott", NAMES)
    assert forward.key == ("blade runner", "directed_by")
    assert forward.value == ("ridley scott",)
    assert back.key == ("ridley scott", "!directed_by")
    assert back.value == ("blade runner",)
    assert forward.words == ("blade runner", "directed_by", "ridley scott")
    assert back.words == ("ridley scott", "!directed_by", "blade runner")
    assert forward.text == "Blade Runner directed_by Ridley Scott"


def test_a_name_of_no_word_is_a_name() -> None:
    forward, back = Triples().cut("? directed_by Jo", WORDS)
    assert forward.key == ("?", "directed_by")
    assert back.value == ("?",)


@pytest.mark.parametrize(
    "fact", ["Mary got the milk.", "directed_by Jo", "Up directed_by", "a is_in b is_in c", "_ x _"]
)
def test_what_is_no_triple_is_named(fact: str) -> None:
    with pytest.raises(ValueError, match="is no triple"):
        Triples().cut(fact, WORDS)


def _windows(size: int, *centres: str) -> Windows:
    return Windows(size=size).learn([], [], centres)


def test_a_window_is_cut_around_each_centre() -> None:
    slots = _windows(3, "mary", "milk", "kitchen").cut("Mary took milk to the kitchen", WORDS)
    assert [(slot.key, slot.value) for slot in slots] == [
        (("mary", "took"), ("mary",)),
        (("took", "milk", "to"), ("milk",)),
        (("the", "kitchen"), ("kitchen",)),
    ]
    assert slots[1].text == "took [milk] to"
    assert all(slot.words == slot.key for slot in slots)
    wider = _windows(5, "milk").cut("Mary took milk to the kitchen", WORDS)
    assert [slot.key for slot in wider] == [("mary", "took", "milk", "to", "the")]
    early = _windows(5, "took").cut("Mary took milk to the kitchen", WORDS)
    assert [slot.key for slot in early] == [("mary", "took", "milk", "to")]
    assert [slot.key for slot in _windows(1, "milk").cut("the milk", WORDS)] == [("milk",)]


def test_a_fact_without_a_centre_stays() -> None:
    assert _windows(3, "milk").cut("Mary slept.", WORDS) == Sentences().cut("Mary slept.", WORDS)


def test_words_of_an_article_find_its_title_too() -> None:
    slots = _windows(3, "ridley scott").cut("Blade Runner | It was made by Ridley Scott.", NAMES)
    assert [(slot.key, slot.value) for slot in slots] == [
        (("blade runner", "by", "ridley scott"), ("ridley scott",)),
        (("!title", "by", "ridley scott"), ("blade runner",)),
    ]
    assert {"blade runner", "!title"} <= set(slots[1].words)


def test_centres_are_what_is_asked_about() -> None:
    facts = [["the", w, "is", "in", "the", p] for w, p in (("milk", "hall"), ("cup", "attic"))]
    asked = [["where", "is", "the", "milk"], ["hall"], ["garden"], ["cup"]]
    assert Windows(size=3).learn(facts * 2, asked, ()).centres == frozenset()  # half of the facts
    assert Windows(size=3).learn([*facts, ["a"]], asked, ()).centres == {"milk", "hall", "cup"}
    assert Windows(size=3).learn(facts, asked, ["attic"]).centres == {"attic"}


@pytest.mark.parametrize("size", [0, -1, 4])
def test_a_window_has_a_middle(size: int) -> None:
    with pytest.raises(ValueError, match="odd"):
        Windows(size=size)


@pytest.mark.parametrize("slots", [Sentences(), Triples(), _windows(3, "milk", "Ärmel")])
def test_to_json_and_back(slots: FactSlots) -> None:
    back = FactSlots.from_json(slots.to_json())
    assert type(back) is type(slots)
    assert vars(back) == vars(slots)


@pytest.mark.parametrize("text", ["[]", "{}", '{"kind": "other"}', '{"kind": "windows"}'])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="slots"):
        FactSlots.from_json(text)


def test_the_longest_name_is_a_word() -> None:
    text = "Is Blade Runner 2049 or Blade Runner by Ridley?"
    assert NAMES(text) == ["is", "blade runner 2049", "or", "blade runner", "by", "ridley"]
    assert NAMES("blade") == ["blade"]
