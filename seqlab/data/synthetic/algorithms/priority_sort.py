"""Priority sort: say the vectors of highest priority, in its order."""

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
    write_vectors,
)


class PrioritySort(Algorithm):
    """Random vectors of bits, each with a priority, and then the first of them; Graves 4.5.

    Graves et al. (2014), section 4.5. Priorities are uniform in [-1, 1] and have a channel of their
    own, as has the delimiter. A difficulty is the number N of vectors, 20 in the paper; M of them
    are wanted, highest priority first. Sequences have N + 1 + M steps, of which the last M count.

    Args:
        num_bits: bits of a vector, 8 in the paper.
        kept: share of the vectors that is wanted, 0.8 in the paper: 16 of 20.
    """

    name: ClassVar = "priority_sort"
    outputs: ClassVar[Literal["bits", "symbols"]] = "bits"
    difficulty_unit = "vectors"

    def __init__(self, *, num_bits: int, kept: float) -> None:
        if not 0 < kept <= 1:
            raise ValueError(f"kept is a share, above 0 and at most 1, not {kept}")
        self.num_bits = self.output_dim = num_bits
        self.kept = kept
        self.input_dim = num_bits + 2

    def num_kept(self, difficulty: int) -> int:
        """How many of so many vectors are wanted."""
        return max(round(self.kept * difficulty), 1)

    def num_steps(self, difficulty: int) -> int:
        refuse_below(difficulty, 1, self.difficulty_unit)
        return difficulty + 1 + self.num_kept(difficulty)

    def draw(self, generator: np.random.Generator, difficulty: int, count: int) -> Examples:
        vectors = generator.integers(2, size=(count, difficulty, self.num_bits))
        return self._encode(vectors, generator.uniform(-1, 1, size=(count, difficulty)))

    def _encode(self, vectors: NDArray[np.int64], priorities: NDArray[np.float64]) -> Examples:
        """Examples of vectors [B, N, bits] and their priorities [B, N]."""
        count, number, size = vectors.shape
        kept = self.num_kept(number)
        inputs = np.zeros((count, number + 1 + kept, size + 2), np.float32)
        inputs[:, :number, :size] = vectors
        inputs[:, :number, size] = priorities
        inputs[:, number, size + 1] = 1
        # Stable, of the numbers as they are read: of equal priorities the first vector comes first.
        order = np.argsort(-inputs[:, :number, size], axis=1, kind="stable")[:, :kept]
        targets = np.zeros((count, number + 1 + kept, size), np.float32)
        targets[:, number + 1 :] = np.take_along_axis(vectors, order[:, :, None], axis=1)
        return same_length(inputs, targets, slice(number + 1, None))

    def read(self, line: str) -> Examples:
        vectors, priorities = [], []
        for word in line.split():
            bits, colon, number = word.partition(":")
            vectors.append(read_bits(bits, self.num_bits))
            try:
                priority = float(number)
            except ValueError:
                priority = np.nan
            if not colon or not -1 <= priority <= 1:  # also of NaN
                raise ValueError(f"{word!r} has no priority from -1 to 1, as in 10110101:0.3")
            priorities.append(priority)
        if not vectors:
            raise ValueError("there is no vector with a priority, as in 10110101:0.3")
        return self._encode(np.array([vectors]), np.array([priorities]))

    def question(self, inputs: NDArray[Any]) -> str:
        number = int(inputs[:, self.num_bits + 1].argmax())
        return " ".join(
            f"{write_bits(row[: self.num_bits])}:{row[self.num_bits]!s}" for row in inputs[:number]
        )

    def answer(self, outputs: NDArray[Any]) -> str:
        return write_vectors(outputs)
