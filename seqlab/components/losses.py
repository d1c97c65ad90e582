"""Losses over sequences."""

import torch
from torch import Tensor
from torch.nn import functional as F


def sequence_nll(logits: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
    """Negative log-likelihood of each sequence in nats, [B].

    Args:
        logits: unnormalised scores, [B, T, V].
        targets: true tokens, [B, T].
        lengths: number of targets that count, [B]; what lies beyond changes nothing.
    """
    # In full precision: under autocast a sum over the vocabulary in bf16 loses the rare words.
    losses = F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction="none")
    losses = losses.view_as(targets)  # [B, T]
    steps = torch.arange(targets.shape[1], device=targets.device)  # [T]
    return losses.masked_fill(steps >= lengths.unsqueeze(1), 0.0).sum(dim=1)  # [B]
