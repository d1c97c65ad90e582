"""What a model wrote of one sequence, beside what it read and should have written."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from seqlab.data.batches import AlgorithmicBatch
from seqlab.metrics.algorithmic import decide
from seqlab.viz.sequences import sequence_figure


class Written(NamedTuple):
    """One sequence, without padding."""

    inputs: NDArray[np.float32]  # [T, I]
    outputs: NDArray[Any]  # bits [T, O], or numbers of symbols [T]
    probabilities: NDArray[np.float32]  # of 1 for each bit, or of each symbol, [T, O]
    targets: NDArray[Any]  # as outputs
    scored: NDArray[np.bool_]  # [T]

    @property
    def has_steps(self) -> bool:
        """Whether there is a sequence to look at, and not one step alone."""
        return len(self.inputs) > 1

    def draw(self, path: Path, title: str | None = None) -> None:
        """Write the figure of what was read, was to be written and was written."""
        if self.outputs.ndim == 2:  # bits
            targets, wrong = self.targets, np.abs(self.outputs - self.targets) > 0.5  # [T, O]
        else:
            kinds = np.eye(self.probabilities.shape[1])  # [O, O]
            targets = kinds[self.targets]  # [T, O]
            wrong = (kinds[self.outputs] > 0) & (self.outputs != self.targets)[:, None]
        wrong = wrong & self.scored[:, None]
        sequence_figure(self.inputs, targets, self.probabilities, self.scored, wrong, path, title)


def written(batch: AlgorithmicBatch, logits: Tensor, row: int) -> Written:
    """The sequence of a row of a batch, with logits [B, T, O]."""
    length, bits = int(batch.lengths[row]), batch.targets.dim() == 3
    own = logits[row : row + 1, :length].float()  # [1, T, O]
    probabilities = own.sigmoid() if bits else own.softmax(dim=2)  # [1, T, O]
    parts = (decide(own, bits=bits)[0], probabilities[0], batch.targets[row, :length])
    outputs, chances, targets = (part.cpu().numpy() for part in parts)
    inputs, scored = batch.inputs[row, :length], batch.scored[row, :length]
    return Written(inputs.cpu().numpy(), outputs, chances, targets, scored.cpu().numpy())
