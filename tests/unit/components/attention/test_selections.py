"""Soft and hard selection: against loops, under masks, and as draws."""

import numpy as np
import pytest
import torch
from torch import Tensor

from seqlab.components.attention.additive import AdditiveScore
from seqlab.components.attention.dot import DotScore
from seqlab.components.attention.hard import HardAttention
from seqlab.components.attention.interface import Attention
from seqlab.components.attention.soft import SoftAttention


def additive() -> AdditiveScore:
    torch.manual_seed(0)
    return AdditiveScore(query_dim=3, value_dim=4, hidden_dim=5).double()


def hard(sample_probability: float = 1.0) -> HardAttention:
    return HardAttention(score=additive(), sample_probability=sample_probability)


def inputs(batch_size: int = 2) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    query = torch.randn(batch_size, 3, generator=generator).double()
    return query, torch.randn(batch_size, 6, 4, generator=generator).double()


def test_soft_equals_the_equations() -> None:
    attention, (query, values) = SoftAttention(score=additive()), inputs()
    read = attention(query, attention.prepare(values))
    scores = attention.score(query, attention.score.project(values)).detach().numpy()
    for n in range(2):
        alpha = np.exp(scores[n]) / np.exp(scores[n]).sum()
        context = sum(alpha[i] * values[n, i].numpy() for i in range(6))
        np.testing.assert_allclose(read.weights[n].detach(), alpha, rtol=1e-12)
        np.testing.assert_allclose(read.probabilities[n].detach(), alpha, rtol=1e-12)
        np.testing.assert_allclose(read.context[n].detach(), context, rtol=1e-12)


def test_hard_reads_the_most_likely_location_in_evaluation() -> None:
    attention, (query, values) = hard().eval(), inputs()
    prepared = attention.prepare(values)
    read = attention(query, prepared)
    assert prepared.sampled is None
    for n in range(2):
        best = int(np.argmax(read.probabilities[n].detach().numpy()))
        assert read.weights[n].tolist() == [float(i == best) for i in range(6)]
        assert torch.equal(read.context[n], values[n, best])


@pytest.mark.parametrize(
    "attention", [SoftAttention(score=additive()), hard().train(), hard().eval(), hard(0.5).train()]
)
def test_padding_changes_nothing_and_gets_exactly_nothing(attention: Attention) -> None:
    query, values = inputs()
    padded = torch.cat([values, torch.full((2, 3, 4), 7.0).double()], dim=1)
    mask = (torch.arange(9) < 6).expand(2, 9)
    # One source of numbers for both, since the number of locations changes what a draw consumes.
    attention.draw = lambda probabilities: probabilities[:, :6].argmin(dim=1)

    torch.manual_seed(1)
    plain = attention(query, attention.prepare(values))
    torch.manual_seed(1)
    read = attention(query, attention.prepare(padded, mask))

    for part in ("weights", "probabilities"):
        assert torch.equal(getattr(read, part)[:, 6:], torch.zeros(2, 3).double())
        torch.testing.assert_close(getattr(read, part)[:, :6], getattr(plain, part))
        torch.testing.assert_close(getattr(read, part).sum(dim=1), torch.ones(2).double())
    torch.testing.assert_close(read.context, plain.context)


@pytest.mark.parametrize("training", [True, False])
def test_hard_never_reads_padding_that_scores_best(training: bool) -> None:
    attention = HardAttention(score=DotScore(query_dim=1, value_dim=1), sample_probability=1.0)
    attention.train(training)
    values = torch.tensor([0.0, 50.0, 0.0]).view(1, 3, 1).expand(500, 3, 1)
    mask = torch.tensor([True, False, True]).expand(500, 3)
    read = attention(torch.ones(500, 1), attention.prepare(values, mask))
    assert read.weights[:, 1].eq(0).all()
    assert read.weights.sum(dim=1).eq(1).all()


def test_hard_draws_each_location_as_often_as_its_probability_says() -> None:
    attention = HardAttention(score=DotScore(query_dim=1, value_dim=1), sample_probability=1.0)
    probabilities = torch.tensor([0.1, 0.2, 0.7])
    values = probabilities.log().view(1, 3, 1).expand(20_000, 3, 1)
    torch.manual_seed(0)
    read = attention(torch.ones(20_000, 1), attention.prepare(values))
    assert set(read.weights.unique().tolist()) == {0.0, 1.0}
    # Six standard deviations of a share drawn 20,000 times.
    torch.testing.assert_close(read.weights.mean(dim=0), probabilities, rtol=0, atol=0.02)


def test_share_of_images_reads_the_expectation_at_every_step() -> None:
    attention, (query, values) = hard(0.3), inputs(4000)
    torch.manual_seed(0)
    prepared = attention.prepare(values)
    assert float(prepared.sampled.double().mean()) == pytest.approx(0.3, abs=0.05)
    for _ in range(2):
        read = attention(query, prepared)
        drawn = read.weights.amax(dim=1).eq(1)
        assert torch.equal(drawn, prepared.sampled)
        expected = read.probabilities[~prepared.sampled]
        assert torch.equal(read.weights[~prepared.sampled], expected)


def test_no_gradient_reaches_the_scores_through_a_sample() -> None:
    attention, (query, values) = hard(), inputs()
    values.requires_grad_()
    attention(query, attention.prepare(values)).context.sum().backward()
    assert not attention.score.query.weight.grad.any()
    assert values.grad.sum(dim=2).count_nonzero(dim=1).tolist() == [1, 1]


def test_hard_refuses_what_is_no_probability() -> None:
    with pytest.raises(ValueError, match=r"sample_probability=1\.5"):
        hard(1.5)
