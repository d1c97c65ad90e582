"""What every sequence generator owes: teacher forcing that is its own steps, and gradients."""

from typing import Any

import torch
from torch import Tensor

from seqlab.models.interfaces import SequenceGenerator


def decode_along(
    model: SequenceGenerator, source: Any, tokens: Tensor
) -> tuple[Tensor, list[Tensor | None]]:
    """Log-probabilities [B, T, V] and attention of the steps that a search would take."""
    state, memory = model.encode(source)
    log_probabilities, weights = [], []
    for token in tokens[:, :-1].unbind(dim=1):
        log_p, state = model.step(token, state, memory)
        log_probabilities.append(log_p)
        weights.append(state.weights)
    return torch.stack(log_probabilities, dim=1), weights


def check_forcing(model: SequenceGenerator, source: Any, tokens: Tensor, lengths: Tensor) -> None:
    """Teacher forcing gives what the steps give, attention included, in double precision."""
    torch.manual_seed(4)  # a sampling attention draws the same places both times
    forced = model(source, tokens, lengths)
    torch.manual_seed(4)
    log_p, weights = decode_along(model, source, tokens)

    torch.testing.assert_close(forced.logits.log_softmax(dim=2), log_p, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(log_p.exp().sum(dim=2), torch.ones(log_p.shape[:2]).double())
    if forced.weights is None:
        assert set(weights) == {None}
    else:
        torch.testing.assert_close(forced.weights, torch.stack(weights, dim=1))


def check_gradients(
    model: SequenceGenerator, source: Any, tokens: Tensor, lengths: Tensor, *, may_vanish: bool
) -> None:
    """Every parameter gets a finite gradient, and one that is not 0 unless it may vanish."""
    torch.manual_seed(2)
    model(source, tokens, lengths)  # sets the baseline, so that the next rewards differ from it
    forced = model(source, tokens, lengths)
    loss = -forced.logits.log_softmax(dim=2)[..., 3].sum()
    loss = loss + sum(term.weight * term.value.sum() for term in forced.auxiliary.values())
    loss.backward()
    assert set(forced.auxiliary) == set(model.auxiliary_names)
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any() or may_vanish, name
