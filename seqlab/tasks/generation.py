"""What every task that generates sequences shares: the objective and the search."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from seqlab.components.decoding.interface import Hypotheses, Search
from seqlab.config.errors import Problem, UserError
from seqlab.models.interfaces import SequenceGenerator, TeacherForced
from seqlab.tasks.base import Outcome


def refuse_unknown_weights(model: SequenceGenerator, weights: Mapping[str, float]) -> None:
    """Complain of `task.auxiliary_weights` that the model has no term for.

    Raises:
        UserError: with a problem for each.
    """
    known = tuple(model.auxiliary_names)
    problems = [
        Problem(
            key=f"task.auxiliary_weights.{name}",
            given=name,
            allowed=known,
            message=f"{type(model).__name__} has no such auxiliary term",
        )
        for name in weights
        if name not in known
    ]
    if problems:
        raise UserError(problems)


def objective(
    forced: TeacherForced, nll: Tensor, num_tokens: Tensor, weights: Mapping[str, float]
) -> Outcome:
    """The papers' sum over a sentence, log-likelihood and auxiliary terms alike, per token.

    It is summed over the batch and divided by the number of its tokens, so that a learning rate
    means the same for sentences of any length.

    Args:
        forced: predictions and auxiliary terms.
        nll: negative log-likelihood of each sentence, [B], smoothed or not.
        num_tokens: of the whole batch, [].
        weights: weights of auxiliary terms by name, instead of the paper's.
    """
    total, logged = nll.sum(), {"loss": nll.sum() / num_tokens}
    for name, term in forced.auxiliary.items():
        total = total + weights.get(name, term.weight) * term.value.sum()
        logged[name] = term.value.mean()
    return Outcome(total / num_tokens, logged)


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
