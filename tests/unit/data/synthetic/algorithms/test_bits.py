"""The algorithms of the NTM paper, and parity: their sequences step by step."""

import numpy as np
import pytest

from seqlab.data.synthetic.algorithms.associative_recall import AssociativeRecall
from seqlab.data.synthetic.algorithms.copy import Copy
from seqlab.data.synthetic.algorithms.interface import Algorithm, Examples
from seqlab.data.synthetic.algorithms.ngrams import NGrams, optimal_probabilities
from seqlab.data.synthetic.algorithms.parity import Parity
from seqlab.data.synthetic.algorithms.priority_sort import PrioritySort
from seqlab.data.synthetic.algorithms.repeat_copy import RepeatCopy


def generator() -> np.random.Generator:
    return np.random.default_rng(3)


def rows(examples: Examples) -> list[tuple[np.ndarray, np.ndarray, list[int]]]:
    """Inputs, targets and scored steps of each, without padding, of which nothing is scored."""
    found = []
    for row, length in enumerate(examples.lengths.tolist()):
        assert not examples.scored[row, length:].any()
        steps = np.flatnonzero(examples.scored[row]).tolist()
        found.append((examples.inputs[row, :length], examples.targets[row, :length], steps))
    return found


def test_a_copy_is_what_was_read() -> None:
    for inputs, targets, steps in rows(Copy(num_bits=3).draw(generator(), 4, 50)):
        assert inputs.shape == (9, 4)
        assert steps == [5, 6, 7, 8]
        assert np.array_equal(targets[5:], inputs[:4, :3])
        assert inputs[:, 3].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]  # the delimiter
        assert not inputs[4:, :3].any()  # nothing is read while it is written


def test_bits_are_fair() -> None:
    drawn = Copy(num_bits=8).draw(generator(), 20, 500).inputs[:, :20, :8]
    assert drawn.mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(drawn.size))


@pytest.mark.parametrize("counted", ["length", "repeats"])
def test_copies_are_repeated_and_ended(counted: str) -> None:
    algorithm = RepeatCopy(num_bits=3, difficulty=counted, max_length=4, max_repeats=5)
    numbers, sizes = [], []
    for inputs, targets, steps in rows(algorithm.draw(generator(), 2, 400)):
        length = int(inputs[:, 3].argmax())
        repeats, rest = divmod(len(inputs) - length - 2, length)
        assert rest == 0
        assert steps == list(range(length + 1, len(inputs)))
        for number in range(repeats):
            first = length + 1 + number * length
            assert np.array_equal(targets[first : first + length, :3], inputs[:length, :3])
        assert targets[:, 3].tolist() == [0] * (len(inputs) - 1) + [1]
        assert not inputs[length + 1 :].any()
        numbers.append(inputs[length, 4])
        sizes.append((length, repeats))
    lengths, repeats = (set(part) for part in zip(*sizes, strict=True))
    assert lengths == ({2} if counted == "length" else {1, 2, 3, 4})
    assert repeats == ({1, 2, 3, 4, 5} if counted == "length" else {2})
    if counted == "length":  # from 1 to max_repeats its mean is 0 and its variance 1
        assert sorted(set(numbers)) == pytest.approx([-(2**0.5), -(0.5**0.5), 0, 0.5**0.5, 2**0.5])


def test_the_item_after_the_one_shown_is_recalled() -> None:
    asked = []
    algorithm = AssociativeRecall(num_bits=4, item_length=2)
    for inputs, targets, steps in rows(algorithm.draw(generator(), 5, 300)):
        starts = np.flatnonzero(inputs[:, 4]).tolist()
        assert starts == [0, 3, 6, 9, 12]
        items = [inputs[start + 1 : start + 3, :4].tolist() for start in starts]
        assert len({str(item) for item in items}) == 5
        assert np.flatnonzero(inputs[:, 5]).tolist() == [15, 18]
        place = items.index(inputs[16:18, :4].tolist())
        assert targets[steps].tolist() == items[place + 1]
        assert steps == [19, 20]
        assert not inputs[19:].any()
        asked.append(place)
    assert set(asked) == {0, 1, 2, 3}


def test_the_first_by_priority_are_sorted() -> None:
    algorithm = PrioritySort(num_bits=8, kept=0.8)
    for inputs, targets, steps in rows(algorithm.draw(generator(), 20, 50)):
        assert len(inputs) == 20 + 1 + 16
        assert steps == list(range(21, 37))
        pairs = [(float(row[8]), row[:8].tolist()) for row in inputs[:20]]
        best = sorted(pairs, key=lambda pair: pair[0], reverse=True)[:16]
        assert targets[21:].tolist() == [vector for _, vector in best]
        assert inputs[:, 9].tolist() == [0] * 20 + [1] + [0] * 16
        assert all(-1 <= priority <= 1 for priority, _ in pairs)
        assert not inputs[21:].any()


def test_parity() -> None:
    for inputs, targets, steps in rows(Parity(num_bits=9).draw(generator(), 7, 200)):
        assert inputs.shape == (1, 9)
        assert not inputs[0, 7:].any()
        assert targets.tolist() == [[sum(inputs[0]) % 2]]
        assert steps == [0]


def test_the_estimator_is_that_of_the_paper_by_hand() -> None:
    """Bigrams: after 1, 1, 0, 1, 1 the context 1 was followed by 1, 0, 1."""
    bits = np.array([[1, 1, 0, 1, 1]])
    expected = [
        0.5 / 1,  # nothing is known of what follows 1
        1.5 / 2,  # 1 was followed by 1
        0.5 / 1,  # nothing is known of what follows 0
        1.5 / 3,  # 1 was followed by 1 and 0
        2.5 / 4,  # 1 was followed by 1, 0 and 1
    ]
    np.testing.assert_allclose(optimal_probabilities(bits, 2)[0], expected)


def test_ngrams_foresee_the_next_bit_and_say_how_well_it_can_be_done() -> None:
    examples = NGrams(order=3).draw(generator(), 12, 20)
    for row, (inputs, targets, steps) in enumerate(rows(examples)):
        bits = inputs[:, 0].astype(int).tolist()
        assert targets[:-1, 0].astype(int).tolist() == bits[1:]
        assert steps == list(range(1, 11))  # from the first whole context on
        counts: dict[tuple[int, ...], list[float]] = {}
        cost = 0.0
        for place in range(2, 12):
            seen = counts.setdefault(tuple(bits[place - 2 : place]), [0.5, 0.5])
            cost -= np.log2(seen[bits[place]] / sum(seen))
            seen[bits[place]] += 1
        assert examples.optimal_bits is not None
        assert examples.optimal_bits[row] == pytest.approx(cost, rel=1e-5)


def test_tables_of_ngrams_are_drawn_from_beta() -> None:
    """Beta(1/2, 1/2) has half of its mass within 0.1464 of its ends; a fair coin has none there."""
    bits = NGrams(order=1).draw(generator(), 2000, 400).inputs[:, :, 0]
    means = bits.mean(axis=1)
    extreme = (np.minimum(means, 1 - means) < 0.1464).mean()
    assert extreme == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize(
    ("algorithm", "line", "answer"),
    [
        (Copy(num_bits=3), "101 010", "101 010"),
        (
            RepeatCopy(num_bits=3, difficulty="length", max_length=5, max_repeats=5),
            "101 010 x 3",
            "101 010 101 010 101 010 end",
        ),
        (
            AssociativeRecall(num_bits=3, item_length=2),
            "101 010, 111 001, 000 001 ? 111 001",
            "000 001",
        ),
        (PrioritySort(num_bits=2, kept=0.67), "01:0.25 11:-1.0 10:0.5", "10 01"),
        (Parity(num_bits=5), "10110", "1"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_lines_are_read_and_written(algorithm: Algorithm, line: str, answer: str) -> None:
    examples = algorithm.read(line)
    assert algorithm.question(examples.inputs[0]) == line
    assert algorithm.answer(examples.targets[0][examples.scored[0]]) == answer


def test_what_a_line_means_is_what_is_drawn() -> None:
    """Reading the line of a drawn example gives the example again."""
    for algorithm, difficulty in (
        (Copy(num_bits=3), 4),
        (RepeatCopy(num_bits=3, difficulty="length", max_length=5, max_repeats=5), 3),
        (AssociativeRecall(num_bits=3, item_length=2), 4),
        (PrioritySort(num_bits=3, kept=0.8), 5),
        (Parity(num_bits=6), 6),
    ):
        drawn = algorithm.draw(generator(), difficulty, 1)
        read = algorithm.read(algorithm.question(drawn.inputs[0]))
        for name in ("inputs", "lengths", "targets", "scored"):
            np.testing.assert_array_equal(getattr(read, name), getattr(drawn, name))


def test_of_ngrams_the_next_bit_is_asked() -> None:
    examples = NGrams(order=3).read("01101")
    assert np.flatnonzero(examples.scored[0]).tolist() == [4]
    assert examples.optimal_bits is None
    assert np.isnan(examples.targets[0, 4, 0])


@pytest.mark.parametrize(
    ("algorithm", "line", "message"),
    [
        (Copy(num_bits=3), "101 01", "'01' has 2 bits, not 3"),
        (Copy(num_bits=3), "102", "'102' is no word of 0 and 1"),
        (Copy(num_bits=3), "", "there is no word of 3 bits"),
        (
            RepeatCopy(num_bits=3, difficulty="length", max_length=5, max_repeats=5),
            "101 010",
            "how often they are wanted",
        ),
        (
            RepeatCopy(num_bits=3, difficulty="length", max_length=5, max_repeats=5),
            "101 x 0",
            "asks for no copy",
        ),
        (AssociativeRecall(num_bits=2, item_length=2), "10 01, 11 01 ? 11 01", "before the last"),
        (AssociativeRecall(num_bits=2, item_length=2), "10, 11 ? 10", "an item has 2 vectors"),
        (PrioritySort(num_bits=2, kept=0.5), "01 0.3", "'01' has no priority"),
        (PrioritySort(num_bits=2, kept=0.5), "01:2", "priority from -1 to 1"),
        (Parity(num_bits=3), "1011", "4 bits are more than the 3"),
        (NGrams(order=4), "10", "depends on the last 3"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_lines_that_are_not_understood(algorithm: Algorithm, line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        algorithm.read(line)


def test_difficulties_that_there_are_not() -> None:
    for algorithm, difficulty, message in (
        (Copy(num_bits=2), 0, "counts vectors: at least 1, not 0"),
        (Parity(num_bits=4), 5, "5 bits cannot be drawn of num_bits=4"),
        (AssociativeRecall(num_bits=2, item_length=2), 5, "hard to find: at most 4"),
        (AssociativeRecall(num_bits=2, item_length=2), 1, "at least 2"),
        (NGrams(order=6), 5, "at least 6"),
    ):
        with pytest.raises(ValueError, match=message):
            algorithm.num_steps(difficulty)
