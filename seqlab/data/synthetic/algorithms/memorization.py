"""Memorization: write again a sequence of symbols that nothing compresses."""

import string
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqlab.data.synthetic.algorithms.interface import Examples, refuse_below
from seqlab.data.synthetic.algorithms.symbols import SymbolAlgorithm

LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"


class Memorization(SymbolAlgorithm):
    """Random symbols that are read and then written again; Kalchbrenner et al. (2016), 4.3.

        read    - a b c - - - -
        write   - - - - a b c -

    The steps of the symbols count; that of the end, which is known beforehand, does not. A
    difficulty is the number n of symbols, 20 in the paper; sequences have 2 n + 2 steps.

    Args:
        num_symbols: how many different symbols there are, 64 in the paper and at most. They are
            written as the digits of base 64.
    """

    name: ClassVar = "memorization"
    difficulty_unit = "symbols"

    def __init__(self, *, num_symbols: int) -> None:
        if not 2 <= num_symbols <= len(LETTERS):
            raise ValueError(f"num_symbols is from 2 to {len(LETTERS)}, not {num_symbols}")
        super().__init__(LETTERS[:num_symbols])

    def num_steps(self, difficulty: int) -> int:
        refuse_below(difficulty, 1, self.difficulty_unit)
        return 2 * difficulty + 2

    def draw(self, generator: np.random.Generator, difficulty: int, count: int) -> Examples:
        return self._encode(generator.integers(self.blank, size=(count, difficulty)))

    def _encode(self, symbols: NDArray[np.int64]) -> Examples:
        """Examples of symbols [B, n]."""
        count, size = symbols.shape
        read = np.full((count, 2 * size + 2), self.blank)
        read[:, 1 : 1 + size] = symbols
        written = np.full_like(read, self.blank)
        written[:, 1 + size : -1] = symbols
        return self._examples(read, written, slice(1 + size, -1))

    def read(self, line: str) -> Examples:
        symbols = self._numbers("".join(line.split()))
        if not symbols:
            raise ValueError("there is no symbol")
        return self._encode(np.array([symbols]))

    def question(self, inputs: NDArray[Any]) -> str:
        size = (len(inputs) - 2) // 2
        return self._text(inputs[1 : 1 + size].argmax(axis=1))
