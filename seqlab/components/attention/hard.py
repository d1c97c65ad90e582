"""Hard selection: one location is read."""

import torch
from torch import Tensor

from seqlab.components.attention.interface import Attended, Attention, Prepared, Score
from seqlab.components.attention.soft import read
from seqlab.components.masking import masked_softmax


class HardAttention(Attention):
    """One location, drawn from the softmax of the scores; Xu et al. (2015), equations 8 to 12.

    In training the location is sampled at each step. As in section 4.1 of the paper, an image reads
    the expectation instead with probability 1 - `sample_probability`; which, is drawn once per
    image, when it is prepared. No gradient reaches the scores through a sample: the model adds the
    REINFORCE term for the images that `Prepared.sampled` names. In evaluation the most likely
    location is read, and `Prepared.sampled` is None.

    Args:
        score: how well a value answers a query.
        sample_probability: share of the images that are sampled in training, 0.5 in the paper.

    Raises:
        ValueError: the probability is not within 0 and 1.
    """

    samples = True

    def __init__(self, *, score: Score, sample_probability: float) -> None:
        super().__init__()
        if not 0 <= sample_probability <= 1:
            raise ValueError(f"sample_probability={sample_probability} is not within 0 and 1")
        self.score = score
        self.sample_probability = sample_probability

    def prepare(self, values: Tensor, mask: Tensor | None = None) -> Prepared:
        """Project values [B, L, D] once; the mask [B, L] is True where a value is real."""
        sampled = None
        if self.training:
            chance = torch.rand(len(values), device=values.device)  # [B]
            sampled = chance < self.sample_probability  # [B]
        return Prepared(values, self.score.project(values), mask, sampled)

    def forward(
        self, query: Tensor, prepared: Prepared, position: Tensor | None = None
    ) -> Attended:
        """Read with queries [B, Q] or [B, T, Q]; the position changes nothing."""
        scores = self.score(query, prepared.keys)  # [B, (T,) L]
        probabilities = masked_softmax(scores, prepared.mask)  # [B, (T,) L]
        if prepared.sampled is None:
            weights = one_hot(probabilities.argmax(dim=-1), probabilities)  # [B, (T,) L]
        else:
            rows = self.draw(probabilities.flatten(0, -2))  # [B] or [B * T]
            drawn = one_hot(rows.view(scores.shape[:-1]), probabilities)  # [B, (T,) L]
            sampled = prepared.sampled.view(-1, *(1 for _ in scores.shape[1:]))  # [B, (1,) 1]
            weights = torch.where(sampled, drawn, probabilities)  # [B, (T,) L]
        return Attended(read(weights, prepared.values), weights, probabilities)

    def draw(self, probabilities: Tensor) -> Tensor:
        """A location [M] for each row of probabilities [M, L]."""
        return torch.multinomial(probabilities.detach(), 1).squeeze(1)  # [M]


def one_hot(locations: Tensor, like: Tensor) -> Tensor:
    """1 at locations [B] or [B, T] and 0 elsewhere, in the shape [.., L] and type of `like`."""
    return torch.zeros_like(like).scatter(-1, locations.unsqueeze(-1), 1)  # [B, (T,) L]
