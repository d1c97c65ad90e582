"""The algorithms of the Grid LSTM paper that read and write symbols."""

import numpy as np
import pytest

from seqlab.data.synthetic.algorithms.addition import Addition
from seqlab.data.synthetic.algorithms.memorization import Memorization


def texts(algorithm: Addition | Memorization, difficulty: int, count: int) -> list[tuple[str, str]]:
    """What is read and what is to be written, one letter a step."""
    examples = algorithm.draw(np.random.default_rng(5), difficulty, count)
    assert (examples.inputs.sum(axis=2) == 1).all()
    letters = np.array(list(algorithm.letters))
    read, write = letters[examples.inputs.argmax(axis=2)], letters[examples.targets]
    return [("".join(one), "".join(other)) for one, other in zip(read, write, strict=True)]


@pytest.mark.parametrize("size", [1, 3, 15])
def test_sums_are_those_of_whole_numbers(size: int) -> None:
    lengths = set()
    for read, write in texts(Addition(), size, 200):
        first, second = read[1 : 1 + size], read[2 + size : 2 + 2 * size]
        assert read == f"-{first}-{second}" + "-" * (size + 2)
        total = str(int(first) + int(second))
        assert write == ("-" * (2 * size + 2) + total).ljust(3 * size + 4, "-")
        assert size == 1 or "0" not in (first[0], second[0])
        lengths.add(len(total))
    assert lengths == {size, size + 1}


def test_the_example_of_the_paper() -> None:
    examples = Addition().read("123 + 899")
    letters = np.array(list("0123456789-"))
    assert "".join(letters[examples.inputs[0].argmax(axis=1)]) == "-123-899-----"
    assert "".join(letters[examples.targets[0]]) == "--------1022-"
    assert np.flatnonzero(examples.scored[0]).tolist() == [8, 9, 10, 11, 12]
    assert Addition().question(examples.inputs[0]) == "123 + 899"
    assert Addition().answer(examples.targets[0][examples.scored[0]]) == "1022"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("12+3", "12 and 3 have 2 and 1 digits"),
        ("12 - 34", "no sum of two numbers, as in 123"),
        ("", "no sum"),
    ],
)
def test_lines_that_are_no_sums(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Addition().read(line)


def test_symbols_are_written_again() -> None:
    for read, write in texts(Memorization(num_symbols=64), 20, 50):
        assert read == f"-{read[1:21]}" + "-" * 21
        assert write == "-" * 21 + read[1:21] + "-"
        assert "-" not in read[1:21]
    examples = Memorization(num_symbols=64).draw(np.random.default_rng(1), 20, 400)
    assert np.flatnonzero(examples.scored[0]).tolist() == list(range(21, 41))
    assert set(examples.targets[:, 21:41].flatten().tolist()) == set(range(64))


def test_lines_of_symbols() -> None:
    algorithm = Memorization(num_symbols=64)
    examples = algorithm.read("Hello2World")
    assert algorithm.question(examples.inputs[0]) == "Hello2World"
    assert algorithm.answer(examples.targets[0][examples.scored[0]]) == "Hello2World"
    with pytest.raises(ValueError, match="'!' is none of ABC"):
        algorithm.read("Hello!")
    with pytest.raises(ValueError, match="'E' is none of ABCD"):
        Memorization(num_symbols=4).read("ABCDE")
    with pytest.raises(ValueError, match="from 2 to 64, not 65"):
        Memorization(num_symbols=65)
