"""What tasks that generate share: the search."""

from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from seqlab.components.decoding.greedy import Greedy
from seqlab.tasks import generation


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
