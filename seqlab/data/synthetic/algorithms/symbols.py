"""Sequences of symbols, one of which means nothing."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from seqlab.data.synthetic.algorithms.interface import Algorithm, Examples, same_length

BLANK = "-"  # delimiter, end and padding in Kalchbrenner et al. (2016), sections 4.2 and 4.3


class SymbolAlgorithm(Algorithm):
    """An algorithm on symbols, each one letter; the last of them is the blank.

    Args:
        letters: of the symbols but the blank.
    """

    outputs: ClassVar[Literal["bits", "symbols"]] = "symbols"

    def __init__(self, letters: str) -> None:
        self.letters = letters + BLANK
        self.blank = len(letters)
        self.input_dim = self.output_dim = len(self.letters)

    def _examples(
        self, read: NDArray[np.int64], written: NDArray[np.int64], scored: slice
    ) -> Examples:
        """Examples of numbers of symbols that are read and are to be written, each [B, T]."""
        inputs = np.eye(self.input_dim, dtype=np.float32)[read]  # [B, T, I]
        return same_length(inputs, written, scored)

    def _numbers(self, text: str) -> list[int]:
        """The numbers of letters.

        Raises:
            ValueError: a letter is no symbol.
        """
        unknown = [letter for letter in text if letter not in self.letters[: self.blank]]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is none of {self.letters[: self.blank]}")
        return [self.letters.index(letter) for letter in text]

    def _text(self, numbers: Sequence[int] | NDArray[Any]) -> str:
        """The letters of numbers."""
        return "".join(self.letters[int(number)] for number in numbers)

    def answer(self, outputs: NDArray[Any]) -> str:
        return self._text(outputs).rstrip(BLANK)
