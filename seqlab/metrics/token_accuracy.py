"""How often the likeliest next token is the true one."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from seqlab.components.masking import length_mask


class TokenAccuracy(Metric):
    """Fraction of true tokens that a model under teacher forcing holds for the likeliest."""

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    correct: Tensor
    total: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("correct", default=torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("total", default=torch.tensor(0), dist_reduce_fx="sum")

    def update(self, logits: Tensor, targets: Tensor, lengths: Tensor) -> None:
        """Add sentences.

        Args:
            logits: of each token, [B, T, V].
            targets: true tokens, [B, T].
            lengths: how many of a row count, [B].
        """
        real = length_mask(lengths, targets.shape[1])  # [B, T]
        self.correct += ((logits.argmax(dim=2) == targets) & real).sum()
        self.total += lengths.sum()

    def compute(self) -> Tensor:
        """The fraction; NaN where there was no token."""
        return self.correct / self.total
