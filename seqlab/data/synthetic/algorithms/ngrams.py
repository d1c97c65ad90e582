"""Dynamic n-grams: foresee each bit of a source whose probabilities are new in every sequence."""

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from seqlab.data.synthetic.algorithms.interface import (
    Algorithm,
    Examples,
    read_bits,
    refuse_below,
    write_bits,
)


class NGrams(Algorithm):
    """Bits drawn from a table of n-gram probabilities, itself drawn anew; Graves (2014), 4.4.

    Graves et al. (2014), section 4.4. The table gives, for each of the 2^(n-1) contexts of n - 1
    bits, the probability of a 1, drawn from Beta(1/2, 1/2). The output at a bit foresees the next
    one; those count that have a whole context. No prediction can be better than that of the
    Bayesian estimator, whose bits per sequence come with the examples.

    A difficulty is the number of bits, 200 in the paper; sequences have as many steps.

    Args:
        order: n, 6 in the paper.
    """

    name: ClassVar = "ngrams"
    outputs: ClassVar[Literal["bits", "symbols"]] = "bits"
    difficulty_unit = "bits"

    def __init__(self, *, order: int) -> None:
        if not 1 <= order <= 16:
            raise ValueError(f"order is from 1 to 16, not {order}")
        self.order = order
        self.input_dim = self.output_dim = 1

    def num_steps(self, difficulty: int) -> int:
        refuse_below(difficulty, max(self.order, 2), self.difficulty_unit)
        return difficulty

    def draw(self, generator: np.random.Generator, difficulty: int, count: int) -> Examples:
        known = self.order - 1
        table = generator.beta(0.5, 0.5, size=(count, 2**known))
        chance = generator.random((count, difficulty))
        bits = np.zeros((count, difficulty), np.int64)
        bits[:, :known] = chance[:, :known] < 0.5
        rows, places = np.arange(count), 2 ** np.arange(known)[::-1]
        for t in range(known, difficulty):
            bits[:, t] = chance[:, t] < table[rows, bits[:, t - known : t] @ places]
        return self._encode(bits)

    def _encode(self, bits: NDArray[np.int64]) -> Examples:
        """Examples of bits [B, T]."""
        count, num_steps = bits.shape
        targets = np.zeros((count, num_steps, 1), np.float32)
        targets[:, :-1, 0] = bits[:, 1:]
        scored = np.zeros((count, num_steps), np.bool_)
        scored[:, max(self.order - 2, 0) : -1] = True
        lengths = np.full(count, num_steps, np.int64)
        right = optimal_probabilities(bits, self.order)[:, :-1]  # of each bit but the first
        right = np.where(bits[:, 1:] == 1, right, 1 - right)
        optimal = -np.log2(right).sum(axis=1, where=scored[:, :-1])
        inputs = bits[:, :, None].astype(np.float32)
        return Examples(inputs, lengths, targets, scored, optimal.astype(np.float32))

    def read(self, line: str) -> Examples:
        """Bits of which the next is asked for; what it is nobody knows, so its target is NaN."""
        bits = np.array([read_bits(line)])
        if bits.shape[1] < self.order - 1:
            raise ValueError(f"the next bit depends on the last {self.order - 1}; give as many")
        examples = self._encode(bits)
        scored = np.zeros_like(examples.scored)
        scored[:, -1] = True
        targets = examples.targets.copy()
        targets[:, -1] = np.nan
        return examples._replace(targets=targets, scored=scored, optimal_bits=None)

    def question(self, inputs: NDArray[Any]) -> str:
        return write_bits(inputs[:, 0])

    def answer(self, outputs: NDArray[Any]) -> str:
        return write_bits(outputs[:, 0])


def optimal_probabilities(bits: NDArray[np.int64], order: int) -> NDArray[np.float64]:
    """The Bayesian estimate, after each of the bits [B, T], of the probability that 1 follows.

    Graves et al. (2014), equation 10: (N_1 + 1/2) / (N_0 + N_1 + 1), with N_b how often b has
    followed the present context so far. 1/2 where the context is not whole.
    """
    count, num_steps = bits.shape
    known = order - 1
    rows, places = np.arange(count), 2 ** np.arange(known)[::-1]
    counts = np.zeros((count, 2**known, 2))
    probabilities = np.full((count, num_steps), 0.5)
    context = None
    for t in range(num_steps):
        if context is not None:
            counts[rows, context, bits[:, t]] += 1
        if t + 1 >= known:
            context = bits[:, t + 1 - known : t + 1] @ places
            zeros, ones = counts[rows, context].T
            probabilities[:, t] = (ones + 0.5) / (zeros + ones + 1)
    return probabilities
