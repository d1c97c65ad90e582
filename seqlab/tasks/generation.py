"""What every task that generates sequences shares: the search."""

from typing import Any

import torch

from seqlab.components.decoding.interface import Hypotheses, Search
from seqlab.config.errors import Problem, UserError
from seqlab.models.interfaces import SequenceGenerator


@torch.no_grad()
def attends(model: SequenceGenerator, source: Any) -> bool:
    """Whether the state of a model has attention in it; any source shows it."""
    was_training = model.training
    state, _ = model.eval().encode(source)
    model.train(was_training)
    return state.weights is not None


def refuse_without_attention(model: SequenceGenerator, source: Any) -> None:
    """Complain of a search that needs attention where there is none, before any training.

    Raises:
        UserError: the model does not attend to that source.
    """
    if not attends(model, source):
        problem = Problem(
            key="task.decoding.coverage_penalty",
            message="the model does not attend, so nothing is ever covered",
            allowed=("0",),
        )
        raise UserError([problem])


def find(
    search: Search, model: SequenceGenerator, source: Any, spec: Any, *, may_be_unknown: bool
) -> Hypotheses:
    """Sequences that a search finds for the sources of a batch.

    Args:
        search: how it looks.
        model: what it asks.
        source: as the model's `encode` takes it.
        spec: with the numbers of padding, start, end and unknown.
        may_be_unknown: whether the unknown token may be chosen.
    """
    state, memory = model.encode(source)
    banned = (spec.pad_id, spec.start_id, spec.unknown_id)
    return search(
        model.step,
        state,
        memory,
        start_id=spec.start_id,
        end_id=spec.end_id,
        banned_ids=banned[:2] if may_be_unknown else banned,
    )
