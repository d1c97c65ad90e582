"""Repeat copy: say again what was read, so many times, and then that it is the end."""

import re
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from seqlab.data.synthetic.algorithms.interface import (
    Algorithm,
    Examples,
    read_vectors,
    refuse_below,
    write_vectors,
)

LINE = re.compile(r"(?P<vectors>[01\s]+?)\s*[x*]\s*(?P<repeats>[0-9]+)\s*")


class RepeatCopy(Algorithm):
    """Random vectors of bits, how often they are wanted, and then so many copies; Graves 4.2.

    Graves et al. (2014), section 4.2. The number of copies comes with a delimiter, each on a
    channel of its own, the number normalised to mean 0 and variance 1. After the copies an end
    marker is to be given on a channel of its own. L vectors and R copies make L + 1 + R L + 1
    steps, of which those after the number count.

    Args:
        num_bits: bits of a vector, 8 in the paper.
        difficulty: what a difficulty counts; the other is drawn from 1 to its limit.
        max_length: the most vectors where a difficulty counts copies, 10 in the paper.
        max_repeats: the most copies where a difficulty counts vectors, 10 in the paper; the number
            is normalised as if it were drawn from 1 to this one, whatever is counted.
    """

    name: ClassVar = "repeat_copy"
    outputs: ClassVar[Literal["bits", "symbols"]] = "bits"

    def __init__(
        self,
        *,
        num_bits: int,
        difficulty: Literal["length", "repeats"],
        max_length: int,
        max_repeats: int,
    ) -> None:
        if max_repeats < 2 or max_length < 1:
            raise ValueError(
                f"max_length is at least 1 and max_repeats at least 2, not {max_length} and "
                f"{max_repeats}"
            )
        self.num_bits, self.counts_length = num_bits, difficulty == "length"
        self.max_length, self.max_repeats = max_length, max_repeats
        self.difficulty_unit = "vectors" if self.counts_length else "copies"
        self.input_dim, self.output_dim = num_bits + 2, num_bits + 1

    def num_steps(self, difficulty: int) -> None:
        refuse_below(difficulty, 1, self.difficulty_unit)

    def draw(self, generator: np.random.Generator, difficulty: int, count: int) -> Examples:
        most = self.max_repeats if self.counts_length else self.max_length
        others = generator.integers(1, most, size=count, endpoint=True)
        same = np.full(count, difficulty)
        lengths, repeats = (same, others) if self.counts_length else (others, same)
        vectors = generator.integers(2, size=(count, int(lengths.max()), self.num_bits))
        return self._encode(vectors, lengths, repeats)

    def _encode(
        self, vectors: NDArray[np.int64], lengths: NDArray[np.int64], repeats: NDArray[np.int64]
    ) -> Examples:
        """Examples of vectors [B, L, bits], of which lengths [B] are real, repeated [B] times."""
        count, size = len(vectors), self.num_bits
        steps = lengths * (1 + repeats) + 2
        inputs = np.zeros((count, int(steps.max()), size + 2), np.float32)
        targets = np.zeros((count, int(steps.max()), size + 1), np.float32)
        scored = np.zeros(targets.shape[:2], np.bool_)
        for row in range(count):
            length, end = int(lengths[row]), int(steps[row]) - 1
            own = vectors[row, :length]
            inputs[row, :length, :size] = own
            inputs[row, length, size] = 1
            inputs[row, length, size + 1] = self._normalise(repeats[row])
            targets[row, length + 1 : end, :size] = np.tile(own, (int(repeats[row]), 1))
            targets[row, end, size] = 1
            scored[row, length + 1 : end + 1] = True
        return Examples(inputs, steps, targets, scored)

    def _normalise(self, repeats: int) -> float:
        """A number with mean 0 and variance 1 over 1 to `max_repeats`."""
        most = self.max_repeats
        return (repeats - (most + 1) / 2) / np.sqrt((most**2 - 1) / 12)

    def read(self, line: str) -> Examples:
        found = LINE.fullmatch(line)
        if found is None:
            raise ValueError(
                f"{line!r} is not vectors and how often they are wanted, as in 1011 0001 x 3"
            )
        vectors = np.array([read_vectors(found["vectors"], self.num_bits)])
        repeats = np.array([int(found["repeats"])])
        if repeats[0] < 1:
            raise ValueError(f"{line!r} asks for no copy")
        return self._encode(vectors, np.array([vectors.shape[1]]), repeats)

    def question(self, inputs: NDArray[Any]) -> str:
        length = int(inputs[:, self.num_bits].argmax())
        repeats = (len(inputs) - 2) // length - 1
        return f"{write_vectors(inputs[:length, : self.num_bits])} x {repeats}"

    def answer(self, outputs: NDArray[Any]) -> str:
        """The vectors as words; `end` where the end is marked."""
        words = write_vectors(outputs[:, : self.num_bits]).split()
        return " ".join(
            "end" if marked else word
            for word, marked in zip(words, outputs[:, self.num_bits] > 0.5, strict=True)
        )
