"""Associative recall: of a list of items, say the one that follows the one shown."""

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


class AssociativeRecall(Algorithm):
    """Items, one of them again, and then the item that followed it; Graves et al. (2014), 4.3.

    An item is a few vectors of bits. A delimiter comes before each item of the list, another before
    and after the one that is asked for, each on a channel of its own. The items of a list differ,
    so that the answer is known. A difficulty is the number N of items; with V vectors of an item,
    sequences have N (1 + V) + V + 2 + V steps, of which the last V count.

    Args:
        num_bits: bits of a vector, 6 in the paper.
        item_length: vectors V of an item, 3 in the paper.
    """

    name: ClassVar = "associative_recall"
    outputs: ClassVar[Literal["bits", "symbols"]] = "bits"
    difficulty_unit = "items"

    def __init__(self, *, num_bits: int, item_length: int) -> None:
        if not 1 <= num_bits * item_length <= 62:
            raise ValueError(f"an item has 1 to 62 bits, not {num_bits} x {item_length}")
        self.num_bits, self.item_length = num_bits, item_length
        self.num_items = 2 ** (num_bits * item_length)  # that differ
        self.input_dim, self.output_dim = num_bits + 2, num_bits

    def num_steps(self, difficulty: int) -> int:
        refuse_below(difficulty, 2, self.difficulty_unit)
        # Lists of more would be drawn in vain again and again.
        if difficulty > max(self.num_items // 4, 2):
            raise ValueError(
                f"{difficulty} different items of {self.num_bits} x {self.item_length} bits are "
                f"hard to find: at most {max(self.num_items // 4, 2)}"
            )
        return difficulty * (1 + self.item_length) + 2 * self.item_length + 2

    def draw(self, generator: np.random.Generator, difficulty: int, count: int) -> Examples:
        numbers = generator.integers(self.num_items, size=(count, difficulty))
        while len(rows := np.flatnonzero([len(set(row)) < difficulty for row in numbers.tolist()])):
            numbers[rows] = generator.integers(self.num_items, size=(len(rows), difficulty))
        bits = numbers[:, :, None] >> np.arange(self.num_bits * self.item_length) & 1
        items = bits.reshape(count, difficulty, self.item_length, self.num_bits)
        return self._encode(items, generator.integers(difficulty - 1, size=count))

    def _encode(self, items: NDArray[np.int64], asked: NDArray[np.int64]) -> Examples:
        """Examples of items [B, N, V, bits], of which one [B] is shown again."""
        count, number, length, size = items.shape
        listed = number * (1 + length)
        num_steps = listed + 2 * length + 2
        inputs = np.zeros((count, num_steps, size + 2), np.float32)
        blocks = inputs[:, :listed].reshape(count, number, 1 + length, size + 2)  # a view
        blocks[:, :, 0, size] = 1
        blocks[:, :, 1:, :size] = items
        rows = np.arange(count)
        inputs[:, listed, size + 1] = inputs[:, listed + 1 + length, size + 1] = 1
        inputs[:, listed + 1 : listed + 1 + length, :size] = items[rows, asked]
        targets = np.zeros((count, num_steps, size), np.float32)
        targets[:, -length:] = items[rows, asked + 1]
        return same_length(inputs, targets, slice(num_steps - length, None))

    def read(self, line: str) -> Examples:
        listed, _, wanted = line.partition("?")
        items = [read_vectors(item, self.num_bits) for item in listed.split(",")]
        query = read_vectors(wanted, self.num_bits)
        if any(len(item) != self.item_length for item in (*items, query)):
            raise ValueError(f"an item has {self.item_length} vectors; items stand between commas")
        if query not in items[:-1]:
            raise ValueError("what stands after ? is one of the items before the last")
        return self._encode(np.array([items]), np.array([items.index(query)]))

    def question(self, inputs: NDArray[Any]) -> str:
        length, size = self.item_length, self.num_bits
        listed = len(inputs) - 2 * length - 2
        blocks = inputs[:listed].reshape(-1, 1 + length, self.input_dim)
        items = ", ".join(write_vectors(block[1:, :size]) for block in blocks)
        return f"{items} ? {write_vectors(inputs[listed + 1 : listed + 1 + length, :size])}"

    def answer(self, outputs: NDArray[Any]) -> str:
        return write_vectors(outputs)
