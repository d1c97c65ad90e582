"""Addition: two numbers are read digit by digit, and their sum is written likewise."""

import re
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqlab.data.synthetic.algorithms.interface import Examples, refuse_below
from seqlab.data.synthetic.algorithms.symbols import SymbolAlgorithm

LINE = re.compile(r"\s*(?P<first>[0-9]+)\s*\+\s*(?P<second>[0-9]+)\s*")


class Addition(SymbolAlgorithm):
    """Two numbers of n digits each and their sum; Kalchbrenner et al. (2016), section 4.2.

        read    - 1 2 3 - 8 9 9 - - - - -
        write   - - - - - - - - 1 0 2 2 -

    The most significant digit comes first, and no digit of the result is fed back. The steps from
    the second delimiter on count: the sum, of n or n + 1 digits, and its end. A difficulty is n, 15
    in the paper; sequences have 3 n + 4 steps.
    """

    name: ClassVar = "addition"
    difficulty_unit = "digits"

    def __init__(self) -> None:
        super().__init__("0123456789")

    def num_steps(self, difficulty: int) -> int:
        refuse_below(difficulty, 1, self.difficulty_unit)
        return 3 * difficulty + 4

    def draw(self, generator: np.random.Generator, difficulty: int, count: int) -> Examples:
        digits = generator.integers(10, size=(count, 2, difficulty))
        if difficulty > 1:  # a number of n digits does not begin with 0
            digits[:, :, 0] = generator.integers(1, 10, size=(count, 2))
        return self._encode(digits)

    def _encode(self, digits: NDArray[np.int64]) -> Examples:
        """Examples of pairs of numbers [B, 2, n]."""
        count, _, size = digits.shape
        read = np.full((count, 3 * size + 4), self.blank)
        read[:, 1 : 1 + size] = digits[:, 0]
        read[:, 2 + size : 2 + 2 * size] = digits[:, 1]
        total = np.zeros((count, size + 1), np.int64)
        total[:, 1:] = digits.sum(axis=1)
        for place in range(size, 0, -1):
            total[:, place - 1] += total[:, place] // 10
            total[:, place] %= 10
        written = np.full_like(read, self.blank)
        written[:, 2 * size + 2 : -1] = total
        short = total[:, 0] == 0
        written[short, 2 * size + 2 : -2] = total[short, 1:]
        written[short, -2] = self.blank
        return self._examples(read, written, slice(2 * size + 2, None))

    def read(self, line: str) -> Examples:
        found = LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"{line!r} is no sum of two numbers, as in 123 + 989")
        first, second = found.groups()
        if len(first) != len(second):
            raise ValueError(
                f"{first} and {second} have {len(first)} and {len(second)} digits, not as many"
            )
        return self._encode(np.array([[self._numbers(first), self._numbers(second)]]))

    def question(self, inputs: NDArray[Any]) -> str:
        size = (len(inputs) - 4) // 3
        text = self._text(inputs.argmax(axis=1))
        return f"{text[1 : 1 + size]} + {text[2 + size : 2 + 2 * size]}"
