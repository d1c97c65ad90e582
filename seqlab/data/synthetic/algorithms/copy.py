"""Copy: say again, in order, what was read."""

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from seqlab.data.synthetic.algorithms.interface import (
    Algorithm,
    Examples,
    read_vectors,
    refuse_below,
    same_length,
    write_vectors,
)


class Copy(Algorithm):
    """Random vectors of bits, a delimiter, and then the vectors anew; Graves et al. (2014), 4.1.

    The delimiter has a channel of its own, and nothing is read while the copy is written. A
    difficulty is the number L of vectors; sequences have 2 L + 1 steps, of which the last L count.

    Args:
        num_bits: bits of a vector, 8 in the paper.
    """

    name: ClassVar = "copy"
    outputs: ClassVar[Literal["bits", "symbols"]] = "bits"
    difficulty_unit = "vectors"

    def __init__(self, *, num_bits: int) -> None:
        self.num_bits = self.output_dim = num_bits
        self.input_dim = num_bits + 1

    def num_steps(self, difficulty: int) -> int:
        refuse_below(difficulty, 1, self.difficulty_unit)
        return 2 * difficulty + 1

    def draw(self, generator: np.random.Generator, difficulty: int, count: int) -> Examples:
        return self._encode(generator.integers(2, size=(count, difficulty, self.num_bits)))

    def _encode(self, vectors: NDArray[np.int64]) -> Examples:
        """Examples of vectors [B, L, bits]."""
        count, length, size = vectors.shape
        inputs = np.zeros((count, 2 * length + 1, size + 1), np.float32)
        inputs[:, :length, :size] = vectors
        inputs[:, length, size] = 1
        targets = np.zeros((count, 2 * length + 1, size), np.float32)
        targets[:, length + 1 :] = vectors
        return same_length(inputs, targets, slice(length + 1, None))

    def read(self, line: str) -> Examples:
        return self._encode(np.array([read_vectors(line, self.num_bits)]))

    def question(self, inputs: NDArray[Any]) -> str:
        return write_vectors(inputs[: len(inputs) // 2, : self.num_bits])

    def answer(self, outputs: NDArray[Any]) -> str:
        return write_vectors(outputs)
