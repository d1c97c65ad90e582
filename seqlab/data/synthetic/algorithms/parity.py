"""Parity: is the number of ones odd, all bits being read at once?"""

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from seqlab.data.synthetic.algorithms.interface import (
    Algorithm,
    Examples,
    read_bits,
    refuse_below,
    same_length,
    write_bits,
)


class Parity(Algorithm):
    """Strings of bits that are read in one step; Kalchbrenner et al. (2016), section 4.1.

    The output is one bit, 1 where the number of ones is odd. A difficulty is the number of bits
    that are drawn; those after them are 0, and so change no parity.

    Args:
        num_bits: size k of the string.
    """

    name: ClassVar = "parity"
    outputs: ClassVar[Literal["bits", "symbols"]] = "bits"
    difficulty_unit = "bits"

    def __init__(self, *, num_bits: int) -> None:
        self.num_bits = self.input_dim = num_bits
        self.output_dim = 1

    def num_steps(self, difficulty: int) -> int:
        refuse_below(difficulty, 1, self.difficulty_unit)
        if difficulty > self.num_bits:
            raise ValueError(f"{difficulty} bits cannot be drawn of num_bits={self.num_bits}")
        return 1

    def draw(self, generator: np.random.Generator, difficulty: int, count: int) -> Examples:
        bits = np.zeros((count, self.num_bits), np.int64)
        bits[:, :difficulty] = generator.integers(2, size=(count, difficulty))
        return self._encode(bits)

    def _encode(self, bits: NDArray[np.int64]) -> Examples:
        """Examples of bits [B, k]."""
        inputs = bits[:, None].astype(np.float32)
        targets = (bits.sum(axis=1) % 2)[:, None, None].astype(np.float32)
        return same_length(inputs, targets, slice(None))

    def read(self, line: str) -> Examples:
        bits = read_bits("".join(line.split()))
        if len(bits) > self.num_bits:
            raise ValueError(f"{len(bits)} bits are more than the {self.num_bits} that are read")
        padding = [0] * (self.num_bits - len(bits))
        return self._encode(np.array([bits + padding]))

    def question(self, inputs: NDArray[Any]) -> str:
        return write_bits(inputs[0])

    def answer(self, outputs: NDArray[Any]) -> str:
        return write_bits(outputs[:, 0])
