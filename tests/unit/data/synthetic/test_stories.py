"""Stories against a reader of their sentences that knows nothing of how they were made."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from seqlab.data.errors import DataError
from seqlab.data.question_sources import SPLITS, Asked, Told
from seqlab.data.synthetic.small_world import Event, World, state
from seqlab.data.synthetic.stories import KINDS, Stories, counting, lists, three_facts, two_facts

NUMBERS = ("none", "one", "two", "three")


def _read(tasks: Sequence[str] = Stories.tasks, **changed: Any) -> Told:
    settings = {"told": "events", "num_train": 120, "num_val": 20, "num_test": 20, "seed": 5}
    return Stories(**(settings | changed)).read(tasks)


class _Reader:
    """Reads sentences, and remembers where everybody and everything was after each."""

    def __init__(self, facts: Sequence[str]) -> None:
        self.people: dict[str, list[str]] = {}
        self.things: dict[str, list[str]] = {}
        self.having: dict[str, str] = {}
        for fact in facts:
            person, *_, last = re.findall(r"\w+", fact)
            if re.search(r"\b(went|walked|ran) to the\b", fact):
                self.people.setdefault(person, []).append(last)
            elif re.search(r"\b(took|grabbed|picked up) the\b", fact):
                assert last not in self.having, "takes what somebody has"
                where = self.things.get(last, self.people[person])[-1]
                assert where == self.people[person][-1], "takes what is elsewhere"
                self.having[last] = person
            else:
                assert re.search(r"\b(dropped|put down) the\b", fact), fact
                assert self.having.pop(last, person) == person, "puts down what another has"
                self.things.setdefault(last, []).append(self.people[person][-1])
            for thing, holder in self.having.items():
                places = self.things.setdefault(thing, [])
                if places[-1:] != self.people[holder][-1:]:
                    places.append(self.people[holder][-1])

    def answer(self, question: str) -> str:
        words = re.findall(r"\w+", question)
        carried = sorted(thing for thing, holder in self.having.items() if holder in words)
        if question.startswith("Where was"):
            places = self.things[words[3]]
            assert places.count(words[-1]) == 1, "which visit is meant?"
            return places[places.index(words[-1]) - 1]
        if question.startswith("Where is the"):
            return self.things[words[-1]][-1]
        if question.startswith("Where is"):
            return self.people[words[-1]][-1]
        if question.startswith("Is "):
            return "yes" if self.people[words[1]][-1] == words[-1] else "no"
        if question.startswith("How many"):
            return NUMBERS[len(carried)]
        assert question.startswith("What is")
        return ",".join(carried) or "nothing"


def _all(told: Told) -> list[tuple[Asked, tuple[str, ...]]]:
    return [(q, told.facts[q.first : q.last]) for split in SPLITS for q in told.splits[split]]


def test_answers_follow_from_what_is_told() -> None:
    asked = _all(_read())
    assert len(asked) == 6 * 160
    for question, facts in asked:
        assert question.answers == (_Reader(facts).answer(question.text),)


def _last(facts: Sequence[str], pattern: str) -> int:
    """Number of the last fact that has a pattern."""
    return max(n for n, fact in enumerate(facts) if re.search(pattern, fact))


def test_the_supporting_facts_are_those_that_decide() -> None:
    for question, facts in _all(_read(("one_fact", "yes_no"))):
        person = question.text.rstrip("?").split()[-1 if question.task == "one_fact" else 1]
        assert question.supporting == (_last(facts, f"^{person} "),)
    for question, facts in _all(_read(("two_facts",))):
        touch = _last(facts, re.findall(r"\w+", question.text)[-1])
        person = facts[touch].split()[0]
        is_down = re.search("dropped|put down", facts[touch])
        move = _last(facts[:touch] if is_down else facts, f"^{person} .* to the ")
        assert question.supporting == (touch, move)
    for question, facts in _all(_read(("three_facts",))):
        take, before, after = question.supporting or ()
        thing, place = re.findall(r"\w+", question.text)[3::3]
        assert re.search(rf"(took|grabbed|picked up) the {thing}", facts[take])
        assert facts[before].endswith(f"{question.answers[0]}.")
        assert facts[after].endswith(f"{place}.")
        assert before < after
        assert take < after
    for question, facts in _all(_read(("counting", "lists"))):
        person = next(w for w in re.findall(r"\w+", question.text)[1:] if w[0].isupper())
        touched = [n for n, f in enumerate(facts) if f.startswith(person) and " to the " not in f]
        assert list(question.supporting or ()) == touched


def test_no_story_occurs_twice() -> None:
    stories = [(*facts, question.text) for question, facts in _all(_read())]
    assert len(set(stories)) == len(stories)
    assert len({question.example_id for question, _ in _all(_read())}) == len(stories)


def test_answers_are_asked_for_equally_often() -> None:
    told = _read(num_train=400)
    for task, kind in KINDS.items():
        counts = Counter(q.answers[0] for q in told.splits["train"] if q.task == task)
        if task == "lists":
            sizes = Counter({"nothing": counts.pop("nothing")})
            for answer, count in counts.items():
                sizes[answer.count(",") + 1] += count
            counts = sizes
        assert len(counts) == len(kind.answers)
        expected = 400 / len(kind.answers)
        assert max(abs(count - expected) for count in counts.values()) < 5 * expected**0.5


def test_a_story_has_as_many_facts_as_its_kind() -> None:
    for question, facts in _all(_read()):
        least, most = KINDS[question.task].num_events
        assert least <= len(facts) <= most
        assert len({fact.split()[0] for fact in facts}) <= KINDS[question.task].num_people


def test_stories_are_a_function_of_their_seed_and_kind() -> None:
    told = _read()
    assert _read() == told
    assert _read(seed=6).facts != told.facts
    alone = _read(("lists",))
    texts = [(f, q.text) for q, f in _all(told) if q.task == "lists"]
    assert [(f, q.text) for q, f in _all(alone)] == texts
    more = _read(("lists",), num_train=200)
    for split in ("val", "test"):
        one, other = (
            [(t.facts[q.first : q.last], q.text) for q in t.splits[split]] for t in (alone, more)
        )
        assert one == other


def _world(*events: tuple[str, str, str]) -> World:
    world = World()
    for person, action, thing in events:
        world.happen(Event(person, action, thing))  # type: ignore[arg-type]
    return world


WORLD = _world(
    ("ben", "move", "attic"),
    ("anna", "move", "garden"),
    ("anna", "take", "book"),
    ("anna", "move", "cellar"),
    ("anna", "take", "lamp"),
    ("anna", "drop", "book"),
    ("anna", "move", "kitchen"),
)


def test_the_state_is_told_as_triples() -> None:
    assert sorted(state(WORLD)) == [
        "anna is_carrying lamp",
        "anna is_in kitchen",
        "anna was_in cellar",
        "ben is_in attic",
        "book is_in cellar",
        "book was_in garden",
    ]
    again = _world(
        ("anna", "move", "garden"),
        ("anna", "take", "book"),
        ("anna", "drop", "book"),
        ("anna", "take", "book"),
        ("anna", "drop", "book"),
    )
    assert state(again) == ["anna is_in garden", "book is_in garden"]  # it was nowhere else


def test_answers_follow_from_the_state() -> None:
    for question, facts in _all(_read(told="state")):
        assert question.supporting is None
        words = re.findall(r"\w+", question.text.lower())
        known = {tuple(fact.split()) for fact in facts}
        carried = sorted(thing for who, r, thing in known if r == "is_carrying" and who in words)
        holder = [who for who, r, thing in known if r == "is_carrying" and thing in words]
        if question.task in ("one_fact", "yes_no", "two_facts"):
            (place,) = (p for w, r, p in known if r == "is_in" and w in (holder or words))
            expected = place if question.task != "yes_no" else "yes" if place in words else "no"
        elif question.task == "three_facts":
            (expected,) = (place for who, r, place in known if r == "was_in" and who in holder)
        elif question.task == "counting":
            expected = NUMBERS[len(carried)]
        else:
            expected = ",".join(carried) or "nothing"
        assert question.answers == (expected,)


def test_questions_about_a_world_by_hand() -> None:
    assert [(q.text, q.answer, q.supporting) for q in two_facts(WORLD)] == [
        ("Where is the book?", "cellar", (5, 3)),
        ("Where is the lamp?", "kitchen", (4, 6)),
    ]
    assert [(q.text, q.answer, q.supporting) for q in three_facts(WORLD)] == [
        ("Where was the lamp before the kitchen?", "cellar", (4, 3, 6))
    ]
    assert [(q.text, q.answer, q.supporting) for q in counting(WORLD)] == [
        ("How many things is Anna carrying?", "one", (2, 4, 5))
    ]
    assert [(q.text, q.answer) for q in lists(WORLD)] == [("What is Anna carrying?", "lamp")]
    again = _world(
        *[(e.person, e.action, e.object) for e in WORLD.events], ("anna", "move", "cellar")
    )
    assert three_facts(again) == []  # the lamp was in the cellar before


def test_few_stories_are_all_different_and_soon_at_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one event there are 4 people times 5 places times 3 verbs."""
    monkeypatch.setitem(KINDS, "one_fact", KINDS["one_fact"]._replace(num_events=(1, 1)))
    asked = _all(_read(("one_fact",), num_train=30, num_val=3, num_test=3))
    assert len({facts for _, facts in asked}) == 36
    monkeypatch.setattr("seqlab.data.synthetic.stories._PATIENCE", 200)
    with pytest.raises(DataError, match=r"hardly more than \d+ stories with a question one_fact"):
        _read(("one_fact",), num_train=61)
