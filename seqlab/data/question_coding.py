"""Words of facts and questions, and numbers for them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqlab.data.fact_slots import FactSlots, Slot
from seqlab.data.spec import QuestionSpec
from seqlab.data.vocabulary import SPECIALS, tokenise

PADDING, UNKNOWN = SPECIALS[0], SPECIALS[-1]  # numbers 0 and 1, as in the spec
_NOTHING = Slot("(nothing)", (UNKNOWN,), (UNKNOWN,), (UNKNOWN,))


class Splitter:
    """Splits a text into words in lower case, of which a name of several words may be one.

    Args:
        names: words, of which those that have blanks are such names; where several begin at a
            word of a text, the longest counts.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = {name for name in names if " " in name}
        lengths: dict[str, set[int]] = {}
        for name in self._names:
            words = name.split(" ")
            lengths.setdefault(words[0], set()).add(len(words))
        # How many words the names have that begin with a word, the longest first.
        self._lengths = {word: sorted(found, reverse=True) for word, found in lengths.items()}
        self._known: dict[str, list[str]] = {}

    def __call__(self, text: str) -> list[str]:
        words = self._known.get(text)
        if words is None:
            words = self._known[text] = self._join(tokenise(text))
        return words

    def _join(self, words: list[str]) -> list[str]:
        joined, at = [], 0
        while at < len(words):
            name, length = words[at], 1
            for count in self._lengths.get(name, ()):
                candidate = " ".join(words[at : at + count])
                if candidate in self._names:
                    name, length = candidate, count
                    break
            joined.append(name)
            at += length
        return joined


class Table(NamedTuple):
    """Words of many slots as numbers, padded to the longest; the last row is padding."""

    numbers: NDArray[np.int32]  # [rows, W]
    lengths: NDArray[np.int64]  # [rows]

    def gather(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Some rows [B, M] as [B, M, W], no wider than the longest of them, which is 1 at least."""
        width = max(1, int(self.lengths[rows].max()))
        return self.numbers[rows, :width].astype(np.int64)


class SlotTable(NamedTuple):
    """All slots of a data set as numbers.

    Of the N + 2 rows the last but one is an unknown word, for questions about which nothing is
    known, and the last is padding.
    """

    texts: NDArray[np.object_]  # as they are shown
    words: Table
    keys: Table | None  # None where they are the words
    values: Table | None
    first: NDArray[np.int64]  # [facts + 1], the slots of fact f are first[f] to first[f + 1] - 1

    @property
    def nothing(self) -> int:
        """The row of an unknown word."""
        return len(self.texts) - 2

    @property
    def padding(self) -> int:
        """The row of padding."""
        return len(self.texts) - 1


class QuestionCoding:
    """Numbers of words, and of facts as the slots of a memory.

    Args:
        words: the vocabulary; a word's place is its number, padding and unknown are the first.
        slots: what of a fact is a slot.
    """

    def __init__(self, words: Sequence[str], slots: FactSlots) -> None:
        self.words = tuple(words)
        self.slots = slots
        self.split = Splitter(words)
        self._ids = {word: number for number, word in enumerate(self.words) if number > 1}

    @classmethod
    def of(cls, spec: QuestionSpec) -> "QuestionCoding":
        """The coding of a data set that says this of itself."""
        return cls(spec.words, FactSlots.from_json(spec.slots))

    def number(self, word: str) -> int | None:
        """The number of a word; None where it is not known."""
        return self._ids.get(word)

    def encode(self, words: Sequence[str]) -> list[int]:
        """Numbers of words; that of an unknown one where there is no word at all."""
        if not words:
            return [QuestionSpec.unknown_id]
        return [self._ids.get(word, QuestionSpec.unknown_id) for word in words]

    def encode_facts(self, facts: Sequence[str]) -> SlotTable:
        """The slots of facts.

        Raises:
            FactError: a fact is not of the form that the slots need.
        """
        known: dict[str, list[Slot]] = {}
        slots: list[Slot] = []
        first = np.zeros(len(facts) + 1, np.int64)
        for number, fact in enumerate(facts, start=1):
            if fact not in known:
                known[fact] = [*map(_filled, self.slots.cut(fact, self.split))]
            slots += known[fact]
            first[number] = len(slots)
        slots.append(_NOTHING)
        texts = np.array([*(slot.text for slot in slots), ""], object)
        keyed = self.slots.keyed
        return SlotTable(
            texts,
            self._table([slot.words for slot in slots]),
            self._table([slot.key for slot in slots]) if keyed else None,
            self._table([slot.value for slot in slots]) if keyed else None,
            first,
        )

    def _table(self, rows: Sequence[Sequence[str]]) -> Table:
        lengths = np.array([*map(len, rows), 0], np.int64)
        numbers = np.full((len(lengths), lengths.max()), QuestionSpec.pad_id, np.int32)
        known: dict[Sequence[str], list[int]] = {}
        for at, words in enumerate(rows):
            if words not in known:
                known[words] = self.encode(words)
            numbers[at, : len(words)] = known[words]
        return Table(numbers, lengths)


def _filled(slot: Slot) -> Slot:
    """A slot with an unknown word where it has none, such as that of the fact `...`."""
    return slot._replace(
        words=slot.words or (UNKNOWN,), key=slot.key or (UNKNOWN,), value=slot.value or (UNKNOWN,)
    )


def vocabulary(texts: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Padding, unknown and all words of some texts, the most frequent first.

    Args:
        texts: words of each.
    """
    counts = Counter(word for words in texts for word in words)
    # Ties by spelling, so that the numbers do not hang on the order of the examples.
    return (PADDING, UNKNOWN, *sorted(counts, key=lambda word: (-counts[word], word)))
