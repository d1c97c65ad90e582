"""Queries of many steps at once read what they read one by one."""

import pytest
import torch

from seqlab.components.attention.additive import AdditiveScore
from seqlab.components.attention.concat import ConcatScore
from seqlab.components.attention.dot import DotScore
from seqlab.components.attention.general import GeneralScore
from seqlab.components.attention.hard import HardAttention
from seqlab.components.attention.interface import Score
from seqlab.components.attention.soft import SoftAttention

BATCH, STEPS, LOCATIONS, SIZE = 3, 4, 5, 6


def scores() -> list[Score]:
    torch.manual_seed(0)
    sizes = {"query_dim": SIZE, "value_dim": SIZE}
    additive, concat = (kind(hidden_dim=7, **sizes) for kind in (AdditiveScore, ConcatScore))
    return [additive.double(), concat.double(), DotScore(**sizes), GeneralScore(**sizes).double()]


def inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries [B, T, Q], values [B, L, D] and a mask [B, L]."""
    torch.manual_seed(1)
    queries = torch.randn(BATCH, STEPS, SIZE).double()
    values = torch.randn(BATCH, LOCATIONS, SIZE).double()
    return queries, values, torch.arange(LOCATIONS) < torch.tensor([[5], [2], [1]])


@pytest.mark.parametrize("score", scores(), ids=lambda score: type(score).__name__)
@pytest.mark.parametrize("selection", ["soft", "hard"])
def test_together_as_one_by_one(score: Score, selection: str) -> None:
    attention = (
        SoftAttention(score=score)
        if selection == "soft"
        else HardAttention(score=score, sample_probability=0.5)
    ).eval()
    queries, values, mask = inputs()
    prepared = attention.prepare(values, mask)
    together = attention(queries, prepared)
    assert together.weights.shape == (BATCH, STEPS, LOCATIONS)
    for t in range(STEPS):
        alone = attention(queries[:, t], prepared)
        for part, whole in zip(alone, together, strict=True):
            torch.testing.assert_close(part, whole[:, t])


def test_each_query_of_a_sampled_input_draws_and_no_query_of_another() -> None:
    attention = HardAttention(score=scores()[0], sample_probability=0.5).train()
    queries, values, mask = inputs()
    torch.manual_seed(0)
    prepared = attention.prepare(values, mask)._replace(sampled=torch.tensor([True, False, False]))
    read = attention(queries, prepared)
    assert read.weights[0].amax(dim=1).eq(1).all()
    assert torch.equal(read.weights[1:], read.probabilities[1:])


def test_queries_of_one_input_draw_each_for_itself() -> None:
    attention = HardAttention(
        score=DotScore(query_dim=1, value_dim=1), sample_probability=1.0
    ).train()
    probabilities = torch.tensor([[0.2, 0.8], [0.7, 0.3]])  # of two queries
    values = torch.tensor([0.0, 1.0]).view(1, 2, 1).expand(10_000, -1, -1)
    logits = (probabilities[:, 1] / probabilities[:, 0]).log()  # [T]
    torch.manual_seed(0)
    read = attention(logits.view(1, 2, 1).expand(10_000, -1, -1), attention.prepare(values))
    # Six standard deviations of a share drawn 10,000 times.
    torch.testing.assert_close(read.weights.mean(dim=0), probabilities, rtol=0, atol=0.03)
