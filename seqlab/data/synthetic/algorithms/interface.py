"""What an algorithm is to the data that has it learnt: it draws examples and reads lines."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.int64]  # 0 and 1


class Examples(NamedTuple):
    """Sequences side by side, and what the algorithm makes of them."""

    inputs: NDArray[np.float32]  # [B, T, I]
    lengths: NDArray[np.int64]  # [B], steps that are real
    targets: NDArray[Any]  # bits [B, T, O] of 0.0 and 1.0, or numbers of symbols [B, T]
    scored: NDArray[np.bool_]  # [B, T], True where the output counts
    optimal_bits: NDArray[np.float32] | None = None  # [B], of the best possible prediction


class Algorithm(ABC):
    """Maps sequences to sequences.

    Attributes:
        name: by which lines and reports call it.
        outputs: `bits`, or `symbols` of which one is right.
        difficulty_unit: what a difficulty counts.
        input_dim: size I of an input.
        output_dim: size O of an output.
    """

    name: ClassVar[str]
    outputs: ClassVar[Literal["bits", "symbols"]]
    difficulty_unit: str
    input_dim: int
    output_dim: int

    @abstractmethod
    def num_steps(self, difficulty: int) -> int | None:
        """Steps T of every sequence of a difficulty; None where they differ.

        Raises:
            ValueError: there is no sequence of this difficulty.
        """

    @abstractmethod
    def draw(self, generator: np.random.Generator, difficulty: int, count: int) -> Examples:
        """Examples of one difficulty."""

    @abstractmethod
    def read(self, line: str) -> Examples:
        """The one example that a person has written, as in `question`.

        Raises:
            ValueError: it is no such line; the text says how one looks.
        """

    @abstractmethod
    def question(self, inputs: NDArray[Any]) -> str:
        """The line of one sequence's real inputs [T, I], which `read` reads."""

    @abstractmethod
    def answer(self, outputs: NDArray[Any]) -> str:
        """Scored outputs as text: bits [T, O], or numbers of symbols [T]."""


def same_length(
    inputs: NDArray[Any],
    targets: NDArray[Any],
    scored: slice,
    optimal_bits: NDArray[np.float32] | None = None,
) -> Examples:
    """Examples of which every step is real.

    Args:
        inputs: [B, T, I].
        targets: [B, T, O] or [B, T].
        scored: the steps whose output counts.
        optimal_bits: [B].
    """
    count, num_steps = inputs.shape[:2]
    counts = np.zeros((count, num_steps), np.bool_)
    counts[:, scored] = True
    lengths = np.full(count, num_steps, np.int64)
    return Examples(inputs, lengths, targets, counts, optimal_bits)


def read_bits(word: str, size: int | None = None) -> list[int]:
    """The bits of a word such as 10110.

    Raises:
        ValueError: another letter stands in it, or it is of another size.
    """
    if not word or set(word) - {"0", "1"}:
        raise ValueError(f"{word!r} is no word of 0 and 1")
    if size is not None and len(word) != size:
        raise ValueError(f"{word!r} has {len(word)} bits, not {size}")
    return [int(letter) for letter in word]


def read_vectors(text: str, size: int) -> list[list[int]]:
    """Vectors of so many bits, written as words: 101 011.

    Raises:
        ValueError: there is none, or a word is none of so many bits.
    """
    words = text.split()
    if not words:
        raise ValueError(f"there is no word of {size} bits")
    return [read_bits(word, size) for word in words]


def write_bits(bits: NDArray[Any]) -> str:
    """Bits [N] as a word."""
    return "".join("1" if bit > 0.5 else "0" for bit in bits)


def write_vectors(vectors: NDArray[Any]) -> str:
    """Vectors [N, size] as words."""
    return " ".join(map(write_bits, vectors))


def refuse_below(difficulty: int, least: int, unit: str) -> None:
    """Raise ValueError where a difficulty is too small."""
    if difficulty < least:
        raise ValueError(f"a difficulty counts {unit}: at least {least}, not {difficulty}")
