"""What tasks that generate share: the objective worked by hand, refusals, and the search."""

from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from seqlab.components.decoding.greedy import Greedy
from seqlab.config.errors import UserError
from seqlab.models.interfaces import AuxiliaryTerm, TeacherForced
from seqlab.tasks import generation


class TwoTerms:
    """Stands for a model with two auxiliary terms."""

    auxiliary_names = ("entropy", "penalty")


def forced() -> TeacherForced:
    """Two sentences."""
    terms = {
        "entropy": AuxiliaryTerm(torch.tensor([1.0, 2.0]), weight=0.25),
        "penalty": AuxiliaryTerm(torch.tensor([4.0, 6.0]), weight=1.0),
    }
    return TeacherForced(torch.zeros(2, 3, 5), None, terms)


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
    outcome = generation.objective(forced(), nll, num_tokens, weights)
    assert outcome.objective.item() == pytest.approx((10.0 + weighted) / 5)
    logged = {name: value.item() for name, value in outcome.logged.items()}
    assert logged == pytest.approx({"loss": 2.0, "entropy": 1.5, "penalty": 5.0})


def test_gradients_reach_the_terms() -> None:
    value = torch.tensor([1.0, 2.0], requires_grad=True)
    term = {"entropy": AuxiliaryTerm(value, weight=0.25)}
    nll = torch.tensor([7.0, 3.0], requires_grad=True)
    given = TeacherForced(torch.zeros(2, 3, 5), None, term)
    generation.objective(given, nll, torch.tensor(5), {}).objective.backward()
    assert value.grad is not None
    assert nll.grad is not None
    assert value.grad.tolist() == pytest.approx([0.25 / 5] * 2)
    assert nll.grad.tolist() == pytest.approx([1 / 5] * 2)


def test_weights_that_no_term_has_are_refused_all_at_once() -> None:
    model: Any = TwoTerms()
    generation.refuse_unknown_weights(model, {"entropy": 1.0})
    with pytest.raises(UserError) as raised:
        generation.refuse_unknown_weights(model, {"entrpy": 1.0, "entropy": 1.0, "x": 0.0})
    keys = [problem.key for problem in raised.value.problems]
    assert keys == ["task.auxiliary_weights.entrpy", "task.auxiliary_weights.x"]
    assert raised.value.problems[0].allowed == ("entropy", "penalty")
    assert "TwoTerms has no such auxiliary term" in str(raised.value)


class State(NamedTuple):
    read: Tensor  # [N]
    weights: None = None


class Tempted:
    """Stands for a model that would rather say the specials, and then what it has read."""

    def encode(self, source: Tensor) -> tuple[State, State]:
        return State(source), State(source)

    def step(self, tokens: Tensor, state: State, memory: State) -> tuple[Tensor, State]:
        scores = torch.zeros(len(tokens), 8)
        ended = tokens > Numbers.end_id  # one token is said, then the end
        scores[:, [Numbers.pad_id, Numbers.start_id, Numbers.unknown_id]] = 9.0
        scores[torch.arange(len(tokens)), state.read + memory.read] = 5.0
        scores[ended, Numbers.end_id] = 99.0
        return scores.log_softmax(dim=1), state


class Numbers:
    """Stands for a spec."""

    pad_id, start_id, end_id, unknown_id = 0, 1, 2, 3


@pytest.mark.parametrize(("may_be_unknown", "said"), [(True, [3, 3]), (False, [6, 4])])
def test_specials_are_never_said_but_the_unknown_where_it_may(
    may_be_unknown: bool, said: list[int]
) -> None:
    model: Any = Tempted()
    found = generation.find(
        Greedy(max_length=4), model, torch.tensor([3, 2]), Numbers, may_be_unknown=may_be_unknown
    )
    assert found.tokens[:, 0, :2].tolist() == [[token, Numbers.end_id] for token in said]
    assert found.lengths.tolist() == [[2], [2]]
