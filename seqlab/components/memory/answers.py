"""The answer to a question: a word whose vector is like what was found."""

import torch
from torch import Tensor


def score_words(found: Tensor, words: Tensor, pad_id: int) -> Tensor:
    """Unnormalised scores [B, V]: Sukhbaatar et al. (2015), equation 3, W (o + u).

    The padding is no answer and scores minus infinity, so that its vector stays 0.

    Args:
        found: what is known in the end, [B, D].
        words: the vectors of the words, [V, D].
        pad_id: index of the padding.
    """
    scores = found @ words.t()  # [B, V]
    padding = torch.arange(len(words), device=scores.device) == pad_id  # [V]
    return scores.masked_fill(padding, -torch.inf)  # [B, V]
