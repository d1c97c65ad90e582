"""What a beam search remembers, and how the sequences are read back from it."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from seqlab.components.decoding.interface import Hypotheses


class Growth(NamedTuple):
    """Hypotheses of one length and how each grew from those one token shorter, likeliest first."""

    tokens: Tensor  # [B, K], their last tokens
    parents: Tensor  # [B, K], the slot each grew from
    log_probabilities: Tensor  # [B, K], minus infinity in an empty slot


class Finished(NamedTuple):
    """The best finished hypotheses so far, best first."""

    scores: Tensor  # [B, n], minus infinity in an empty slot
    log_probabilities: Tensor  # [B, n]
    lengths: Tensor  # [B, n]
    tokens: Tensor  # [B, n], their last tokens
    parents: Tensor  # [B, n], the slots they grew from


class Progress(NamedTuple):
    """All that a search knows of its inputs after some steps, one row per input."""

    growth: Growth  # what is open now
    finished: Finished
    grown: tuple[Growth, ...]  # what was open after each step
    attended: tuple[Tensor, ...]  # [B, K, L] at each step, by the slots before it; or none
    coverage: Tensor | None  # [B, K, L], sum of the attention along each open hypothesis


def trace(progress: Progress, end_id: int) -> Hypotheses:
    """Follow the parents of the finished hypotheses back from the last tokens to the first."""
    finished, grown, attended = progress.finished, progress.grown, progress.attended
    num_steps = max(int(finished.lengths.max()), 1)
    tokens: list[Tensor] = []
    weights: list[Tensor] = []
    slots = torch.zeros_like(finished.parents)  # [B, n]
    for length in range(num_steps, 0, -1):
        before, last = finished.lengths > length, finished.lengths == length  # [B, n]
        growth = grown[length - 1]
        token = torch.where(before, growth.tokens.gather(1, slots), end_id)  # [B, n]
        tokens.append(torch.where(last, finished.tokens, token))
        slots = torch.where(before, growth.parents.gather(1, slots), slots)  # [B, n]
        slots = torch.where(last, finished.parents, slots)
        if attended:
            index = slots.unsqueeze(2).expand(-1, -1, attended[0].shape[2])  # [B, n, L]
            reached = (before | last).unsqueeze(2)  # [B, n, 1]
            weights.append(attended[length - 1].gather(1, index).masked_fill(~reached, 0.0))
    return Hypotheses(
        tokens=torch.stack(tokens[::-1], dim=2),
        lengths=finished.lengths,
        log_probabilities=finished.log_probabilities,
        scores=finished.scores,
        weights=torch.stack(weights[::-1], dim=2) if attended else None,
    )


def merge(parts: list[tuple[Tensor, Hypotheses]], end_id: int) -> Hypotheses:
    """One result of parts of a batch, each with the places [B] of its inputs in the whole."""
    num_steps = max(part.tokens.shape[2] for _, part in parts)
    padded = []
    for _, part in parts:
        missing = num_steps - part.tokens.shape[2]
        tokens = F.pad(part.tokens, (0, missing), value=end_id)  # [B, n, T]
        weights = part.weights  # [B, n, T, L]
        if weights is not None:
            weights = F.pad(weights, (0, 0, 0, missing))
        padded.append(part._replace(tokens=tokens, weights=weights))
    order = torch.cat([inputs for inputs, _ in parts]).argsort()  # [B]
    fields = zip(*padded, strict=True)
    return Hypotheses(*(None if f[0] is None else torch.cat(f)[order] for f in fields))
