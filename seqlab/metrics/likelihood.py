"""How well a model under teacher forcing foresees the true tokens."""

import torch
from torch import Tensor
from torchmetrics import Metric

from seqlab.components.losses import sequence_nll
from seqlab.components.masking import length_mask


class Likelihood(Metric):
    """Loss, perplexity and accuracy per token, under the true previous tokens."""

    is_differentiable = False
    full_state_update = False
    sum_nll: Tensor
    num_right: Tensor
    num_tokens: Tensor

    def __init__(self) -> None:
        super().__init__()
        zero = torch.zeros((), dtype=torch.float64)
        for name in ("sum_nll", "num_right", "num_tokens"):
            self.add_state(name, zero.clone(), dist_reduce_fx="sum")

    def update(self, logits: Tensor, tokens: Tensor, lengths: Tensor) -> None:
        """Count a batch.

        Args:
            logits: [B, T, V], position t scores tokens[:, t + 1].
            tokens: start, words, end, padding, [B, T + 1].
            lengths: words and end, [B].
        """
        targets = tokens[:, 1:]  # [B, T]
        right = (logits.argmax(dim=2) == targets) & length_mask(lengths, targets.shape[1])
        self.sum_nll += sequence_nll(logits, targets, lengths).sum()
        self.num_right += right.sum()
        self.num_tokens += lengths.sum()

    def compute(self) -> dict[str, Tensor]:
        """By name."""
        loss = self.sum_nll / self.num_tokens
        return {
            "loss": loss,
            "perplexity": loss.exp(),
            "token_accuracy": self.num_right / self.num_tokens,
        }
