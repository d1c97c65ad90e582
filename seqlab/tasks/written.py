"""What a model wrote of one sequence, beside what it read and should have written."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seqlab.data.batches import AlgorithmicBatch
from seqlab.metrics.algorithmic import decide


class Written(NamedTuple):
    """One sequence, without padding."""

    inputs: NDArray[np.float32]  # [T, I]
    outputs: NDArray[Any]  # bits [T, O], or numbers of symbols [T]
    probabilities: NDArray[np.float32]  # of 1 for each bit, or of each symbol, [T, O]
    targets: NDArray[Any]  # as outputs
    scored: NDArray[np.bool_]  # [T]


def written(batch: AlgorithmicBatch, logits: Tensor, row: int) -> Written:
    """The sequence of a row of a batch, with logits [B, T, O]."""
    length, bits = int(batch.lengths[row]), batch.targets.dim() == 3
    own = logits[row : row + 1, :length].float()  # [1, T, O]
    probabilities = own.sigmoid() if bits else own.softmax(dim=2)  # [1, T, O]
    parts = (decide(own, bits=bits)[0], probabilities[0], batch.targets[row, :length])
    outputs, chances, targets = (part.cpu().numpy() for part in parts)
    inputs, scored = batch.inputs[row, :length], batch.scored[row, :length]
    return Written(inputs.cpu().numpy(), outputs, chances, targets, scored.cpu().numpy())
