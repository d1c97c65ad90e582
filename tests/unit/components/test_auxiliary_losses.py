"""What papers add to a loss, against loops and hand-worked values."""

import numpy as np
import pytest
import torch

from seqlab.components.losses import (
    MovingAverageBaseline,
    doubly_stochastic,
    negative_entropy,
    reinforce,
    sampled_log_probability,
    sequence_nll,
)
from seqlab.components.masking import length_mask, masked_softmax

LENGTHS = torch.tensor([3, 1])


@pytest.fixture
def probabilities() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(2, 4, 5).double().softmax(dim=2)  # [B, T, L]


def test_length_mask_by_hand() -> None:
    assert length_mask(torch.tensor([2, 0, 3]), 3).tolist() == [
        [True, True, False],
        [False, False, False],
        [True, True, True],
    ]


def test_masked_softmax_by_hand() -> None:
    scores = torch.tensor([[0.0, 9.0, np.log(3.0)]]).double()
    weights = masked_softmax(scores, torch.tensor([[True, False, True]]))
    np.testing.assert_allclose(weights, [[0.25, 0.0, 0.75]], rtol=1e-12)


def test_doubly_stochastic_equals_equation_14(probabilities: torch.Tensor) -> None:
    penalty = doubly_stochastic(probabilities, length_mask(LENGTHS, 4))
    for n, length in enumerate(LENGTHS.tolist()):
        alpha = probabilities[n, :length].numpy()
        expected = sum((1 - sum(alpha[t, i] for t in range(length))) ** 2 for i in range(5))
        assert float(penalty[n]) == pytest.approx(expected, rel=1e-12)


def test_negative_entropy_sums_over_real_steps(probabilities: torch.Tensor) -> None:
    value = negative_entropy(probabilities, length_mask(LENGTHS, 4))
    for n, length in enumerate(LENGTHS.tolist()):
        alpha = probabilities[n, :length].numpy()
        assert float(value[n]) == pytest.approx((alpha * np.log(alpha)).sum(), rel=1e-12)


def test_entropy_of_a_certain_choice_is_zero_with_a_finite_gradient() -> None:
    scores = torch.tensor([[[0.0, -1.0, 200.0]]], requires_grad=True)
    value = negative_entropy(scores.softmax(dim=2), torch.tensor([[True]]))
    value.sum().backward()
    assert value.item() == 0
    assert scores.grad.isfinite().all()


def test_sampled_log_probability_picks_what_was_drawn(probabilities: torch.Tensor) -> None:
    drawn = torch.tensor([[0, 3, 2, 1], [4, 4, 0, 0]])
    weights = torch.nn.functional.one_hot(drawn, 5).double()
    value = sampled_log_probability(weights, probabilities, length_mask(LENGTHS, 4))
    p = probabilities.numpy()
    assert float(value[0]) == pytest.approx(np.log(p[0, 0, 0] * p[0, 1, 3] * p[0, 2, 2]))
    assert float(value[1]) == pytest.approx(np.log(p[1, 0, 4]))


def test_reinforce_by_hand() -> None:
    log_probability = torch.tensor([-2.0, -3.0], requires_grad=True)
    reward = torch.tensor([-5.0, -1.0], requires_grad=True)
    loss = reinforce(log_probability, reward, torch.tensor(-4.0))
    loss.sum().backward()
    # -(r - b): worse than expected makes the draw less likely, better makes it more likely.
    assert log_probability.grad.tolist() == [1.0, -3.0]
    assert reward.grad is None


def test_baseline_is_the_moving_average_of_past_batches() -> None:
    baseline, all_counted = MovingAverageBaseline(decay=0.9), torch.ones(2, dtype=torch.bool)
    assert float(baseline(torch.tensor([-8.0, -12.0]), all_counted)) == -10  # the first sets it
    assert float(baseline(torch.tensor([-20.0, -20.0]), all_counted)) == -10
    assert float(baseline(torch.zeros(2), all_counted)) == pytest.approx(-11)  # .9 * -10 + .1 * -20
    assert float(baseline.value) == pytest.approx(-9.9)


def test_baseline_counts_only_sampled_examples_and_only_in_training() -> None:
    baseline = MovingAverageBaseline(decay=0.9)
    some, none = torch.tensor([True, False]), torch.tensor([False, False])
    baseline(torch.tensor([-4.0, -100.0]), none)
    assert baseline.num_updates == 0
    baseline(torch.tensor([-4.0, -100.0]), some)
    assert float(baseline.value) == -4
    baseline(torch.tensor([-50.0, -50.0]), none)
    baseline.eval()
    baseline(torch.tensor([-50.0, -50.0]), some)
    assert float(baseline.value) == -4
    assert set(baseline.state_dict()) == {"value", "num_updates"}


def test_sequence_nll_equals_a_loop_and_ignores_padding() -> None:
    torch.manual_seed(0)
    logits, targets = torch.randn(2, 4, 6), torch.randint(6, (2, 4))
    nll = sequence_nll(logits, targets, LENGTHS)
    for n, length in enumerate(LENGTHS.tolist()):
        rows = logits[n, :length].double().numpy()
        log_p = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))
        expected = -sum(log_p[t, targets[n, t]] for t in range(length))
        assert float(nll[n]) == pytest.approx(expected, rel=1e-5)
