"""The objective with auxiliary terms worked by hand, and weights that no term has."""

from typing import Any

import pytest
import torch

from seqlab.config.errors import UserError
from seqlab.models.interfaces import AuxiliaryTerm
from seqlab.tasks.objectives import objective, refuse_unknown_weights


class TwoTerms:
    """Stands for a model with two auxiliary terms."""

    auxiliary_names = ("entropy", "penalty")


def two_terms() -> dict[str, AuxiliaryTerm]:
    """Of two sentences."""
    return {
        "entropy": AuxiliaryTerm(torch.tensor([1.0, 2.0]), weight=0.25),
        "penalty": AuxiliaryTerm(torch.tensor([4.0, 6.0]), weight=1.0),
    }


@pytest.mark.parametrize(
    ("weights", "weighted"),
    [
        ({}, 0.25 * 3 + 1.0 * 10),
        ({"entropy": 2.0}, 2.0 * 3 + 1.0 * 10),
        ({"entropy": 0.0, "penalty": -1.0}, -10.0),
    ],
)
def test_objective_is_the_weighted_sum_by_the_number_of_tokens(
    weights: dict[str, float], weighted: float
) -> None:
    nll, num_tokens = torch.tensor([7.0, 3.0]), torch.tensor(5)
    outcome = objective(nll, two_terms(), num_tokens, weights)
    assert outcome.objective.item() == pytest.approx((10.0 + weighted) / 5)
    logged = {name: value.item() for name, value in outcome.logged.items()}
    assert logged == pytest.approx({"loss": 2.0, "entropy": 1.5, "penalty": 5.0})


def test_gradients_reach_the_terms() -> None:
    value = torch.tensor([1.0, 2.0], requires_grad=True)
    term = {"entropy": AuxiliaryTerm(value, weight=0.25)}
    nll = torch.tensor([7.0, 3.0], requires_grad=True)
    objective(nll, term, torch.tensor(5), {}).objective.backward()
    assert value.grad is not None
    assert nll.grad is not None
    assert value.grad.tolist() == pytest.approx([0.25 / 5] * 2)
    assert nll.grad.tolist() == pytest.approx([1 / 5] * 2)


def test_weights_that_no_term_has_are_refused_all_at_once() -> None:
    model: Any = TwoTerms()
    refuse_unknown_weights(model, {"entropy": 1.0})
    with pytest.raises(UserError) as raised:
        refuse_unknown_weights(model, {"entrpy": 1.0, "entropy": 1.0, "x": 0.0})
    keys = [problem.key for problem in raised.value.problems]
    assert keys == ["task.auxiliary_weights.entrpy", "task.auxiliary_weights.x"]
    assert raised.value.problems[0].allowed == ("entropy", "penalty")
    assert "TwoTerms has no such auxiliary term" in str(raised.value)
