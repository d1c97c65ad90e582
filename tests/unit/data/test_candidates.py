"""The inverted index against a look at every slot."""

import numpy as np
import pytest

from seqlab.data.candidates import SharedWords, WordIndex
from seqlab.data.fact_slots import Sentences, Triples
from seqlab.data.question_coding import QuestionCoding, Table

GENERATOR = np.random.default_rng(0)
# 200 slots of up to 5 words of 40, of which the first (2, 3, ...) are in many slots.
ROWS = [
    (2 + np.minimum(GENERATOR.integers(40, size=n), GENERATOR.integers(40, size=n))).tolist()
    for n in GENERATOR.integers(1, 6, size=200)
]


def _index(max_frequency: int) -> WordIndex:
    lengths = np.array([*map(len, ROWS), 0])
    numbers = np.zeros((len(lengths), 5), np.int32)
    for row, words in zip(numbers, ROWS, strict=False):
        row[: len(words)] = words
    return WordIndex(Table(numbers, lengths), max_frequency)


def _weights(question: list[int], first: int, last: int, max_frequency: int) -> dict[int, float]:
    """Of each slot that shares a word, by looking at all."""
    weights: dict[int, float] = {}
    for word in set(question):
        having = [slot for slot in range(first, last) if word in ROWS[slot]]
        if len(having) <= max_frequency:
            for slot in having:
                weights[slot] = weights.get(slot, 0.0) + 1 / len(having)
    return weights


@pytest.mark.parametrize("max_frequency", [4, 20, 1000])
@pytest.mark.parametrize(("first", "last"), [(0, 200), (40, 90), (7, 9), (5, 5)])
def test_slots_that_share_a_word(max_frequency: int, first: int, last: int) -> None:
    index, generator = _index(max_frequency), np.random.default_rng(1)
    found = 0
    for _ in range(30):
        question = generator.integers(2, 45, size=4).tolist()
        expected = sorted(_weights(question, first, last, max_frequency))
        assert index.find(question, first, last, None).tolist() == expected
        found += len(expected)
    assert found > 0 or first == last


def test_of_too_many_those_that_share_most() -> None:
    index, generator = _index(1000), np.random.default_rng(2)
    for _ in range(30):
        question = generator.integers(2, 20, size=5).tolist()
        weights = _weights(question, 0, 200, 1000)
        best = sorted(sorted(weights), key=lambda slot: -round(weights[slot], 9))[:7]
        found = index.find(question, 0, 200, 7).tolist()
        assert found == sorted(found)
        kept = [round(weights[slot], 9) for slot in found]
        assert sorted(kept) == sorted(round(weights[slot], 9) for slot in best)


def test_unknown_words_and_padding_are_not_looked_for() -> None:
    assert _index(1000).find([0, 1, 999], 0, 200, None).tolist() == []


def test_keys_are_looked_at_where_there_are_keys() -> None:
    words = ("", "", "up", "directed_by", "jo", "!directed_by")
    facts = ["Up directed_by Jo"]
    triples = QuestionCoding(words, Triples()).encode_facts(facts)
    index = SharedWords(max_frequency=9).index(triples)
    assert index.find([2], 0, 2, None).tolist() == [0]
    assert index.find([4], 0, 2, None).tolist() == [1]
    sentences = QuestionCoding(words, Sentences()).encode_facts(facts)
    assert SharedWords(max_frequency=9).index(sentences).find([4], 0, 1, None).tolist() == [0]


def test_a_frequency_is_a_number_of_slots() -> None:
    with pytest.raises(ValueError, match="max_frequency"):
        SharedWords(max_frequency=0)
