"""What of a fact is one slot of a memory."""

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, NamedTuple, Self

Words = tuple[str, ...]
Split = Callable[[str], list[str]]

# No word of a text has an exclamation mark in it.
_REVERSED = "!"  # before a relation that is read from its object
_TITLE = "!title"  # in the key of a title


class FactError(ValueError):
    """A fact is not of the form that the slots need."""


class Slot(NamedTuple):
    """One memory."""

    text: str  # as it is shown
    words: Words
    key: Words  # by which it is found
    value: Words  # what is read of it


class FactSlots(ABC):
    """Makes slots of facts.

    Attributes:
        keyed: whether keys and values are other words than those of the slot.
        one_per_fact: whether a fact is one slot, so that supporting facts are supporting slots.
    """

    keyed: ClassVar[bool]
    one_per_fact: ClassVar[bool]

    @abstractmethod
    def cut(self, fact: str, split: Split) -> list[Slot]:
        """The slots of a fact, at least one.

        Args:
            fact: as it was read.
            split: gives the words of a text.

        Raises:
            FactError: the fact is not of the form that is needed.
        """

    @abstractmethod
    def to_json(self) -> str:
        """What `from_json` makes these slots of."""

    def learn(
        self,
        facts: Sequence[Sequence[str]],
        asked: Sequence[Sequence[str]],
        entities: Iterable[str],
    ) -> Self:
        """The same, knowing the data.

        Args:
            facts: words of the facts before training questions.
            asked: words of training questions and their answers.
            entities: names of several words.
        """
        return self

    @staticmethod
    def from_json(text: str) -> "FactSlots":
        """The slots that `to_json` wrote.

        Raises:
            ValueError: the text is none.
        """
        try:
            values = json.loads(text)
            kind = values.pop("kind")
            if kind == "sentences":
                return Sentences()
            if kind == "triples":
                return Triples()
            if kind == "windows":
                windows = Windows(size=values["size"])
                windows.centres = frozenset(values["centres"])
                return windows
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this says nothing of slots: {text[:60]}") from error
        raise ValueError(f"there are no slots of the kind {kind!r}")


class Sentences(FactSlots):
    """A fact is a slot, found by all its words, which are also what is read of it."""

    keyed = False
    one_per_fact = True

    def cut(self, fact: str, split: Split) -> list[Slot]:
        words = tuple(split(fact))
        return [Slot(fact, words, words, words)]

    def to_json(self) -> str:
        return json.dumps({"kind": "sentences"})


class Windows(FactSlots):
    """Words around a word, by which that word is found; Miller et al. (2016), section 3.2.

    A centre is a word of a fact that training questions or answers use too, and that is in less
    than half of the facts; where the data set knows entities, these alone are. A fact without a
    centre is a slot as it is.

    A sentence of an article (`Title | The sentence.`) gives two slots for each centre: title and
    words find the centre, and the words find the title, with a mark that it is one.

    Args:
        size: words of a window, at most; odd, so that one is in the middle.
    """

    keyed = True
    one_per_fact = False

    def __init__(self, *, size: int) -> None:
        if size < 1 or size % 2 == 0:
            raise ValueError(f"size is {size}; a window has an odd number of words")
        self.size = size
        self.centres: frozenset[str] = frozenset()

    def learn(
        self,
        facts: Sequence[Sequence[str]],
        asked: Sequence[Sequence[str]],
        entities: Iterable[str],
    ) -> "Windows":
        learnt = Windows(size=self.size)
        learnt.centres = frozenset(entities)
        if not learnt.centres:
            counts = Counter(word for words in facts for word in set(words))
            wanted = {word for words in asked for word in words}
            learnt.centres = frozenset(w for w in wanted if 0 < 2 * counts[w] < len(facts))
        return learnt

    def cut(self, fact: str, split: Split) -> list[Slot]:
        before_bar, bar, after_bar = fact.partition(" | ")
        title = tuple(split(before_bar)) if bar else ()
        words = tuple(split(after_bar if bar else fact))
        around = self.size // 2
        slots = []
        for at, word in enumerate(words):
            if word not in self.centres:
                continue
            before, after = words[max(0, at - around) : at], words[at + 1 : at + 1 + around]
            window = (*before, word, *after)
            text = " ".join((*before, f"[{word}]", *after))
            key = (*title, *window)
            slots.append(Slot(" ".join((*title, bar.strip(), text)).strip(), key, key, (word,)))
            if title:
                key = (_TITLE, *window)
                shown = f"[{' '.join(title)}] | {' '.join(window)}"
                slots.append(Slot(shown, (*key, *title), key, title))
        return slots or [Slot(fact, words, words, words)]

    def to_json(self) -> str:
        values = {"kind": "windows", "size": self.size, "centres": sorted(self.centres)}
        return json.dumps(values, ensure_ascii=False)


class Triples(FactSlots):
    """A relation from both its ends; Miller et al. (2016), section 3.2.

    A fact is `subject relation object`, of which the relation alone has an underscore in it. Its
    first slot is found by subject and relation and gives the object; its second is found by the
    object and the reversed relation and gives the subject.
    """

    keyed = True
    one_per_fact = False

    def cut(self, fact: str, split: Split) -> list[Slot]:
        parts = fact.split()
        relations = [at for at, part in enumerate(parts) if "_" in part.strip("_")]
        if len(relations) != 1:
            raise FactError(f"is no triple `subject the_relation object`: {fact}")
        at = relations[0]
        ends = (" ".join(parts[:at]), " ".join(parts[at + 1 :]))
        if not all(ends):
            raise FactError(f"is no triple `subject the_relation object`: {fact}")
        # A name such as `?` has no word, and is one as it is.
        subject, thing = (tuple(split(end)) or (end.lower(),) for end in ends)
        relation = parts[at].lower()
        back = f"{_REVERSED}{relation}"
        words, turned = (*subject, relation, *thing), (*thing, back, *subject)
        return [
            Slot(fact, words, (*subject, relation), thing),
            Slot(" ".join(turned), turned, (*thing, back), subject),
        ]

    def to_json(self) -> str:
        return json.dumps({"kind": "triples"})
