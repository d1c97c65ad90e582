"""What tasks share whose models add terms of their own to the loss."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from seqlab.config.errors import Problem, UserError
from seqlab.models.interfaces import AuxiliaryTerm
from seqlab.tasks.base import Outcome


class HasTerms(Protocol):
    """A model that names its auxiliary terms."""

    auxiliary_names: tuple[str, ...]


def refuse_unknown_weights(model: HasTerms, weights: Mapping[str, float]) -> None:
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
    losses: Tensor,
    auxiliary: Mapping[str, AuxiliaryTerm],
    count: Tensor | int,
    weights: Mapping[str, float],
) -> Outcome:
    """The papers' sum over an example, loss and auxiliary terms alike, per unit of what is counted.

    It is summed over the batch and divided by the number of its units, which are tokens where
    examples are sentences, so that a learning rate means the same for sentences of any length.

    Args:
        losses: negative log-likelihood of each example, or what stands for it, [B].
        auxiliary: terms of the model by name.
        count: units of the whole batch.
        weights: weights of auxiliary terms by name, instead of the paper's.
    """
    total, logged = losses.sum(), {"loss": losses.sum() / count}
    for name, term in auxiliary.items():
        total = total + weights.get(name, term.weight) * term.value.sum()
        logged[name] = term.value.mean()
    return Outcome(total / count, logged)
