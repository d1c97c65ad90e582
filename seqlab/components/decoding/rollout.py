"""Sequences that grow by one chosen token at a time and never compete: greedy and sampling."""

from collections.abc import Callable

import torch
from torch import Tensor

from seqlab.components.decoding import tree
from seqlab.components.decoding.interface import Hypotheses, Memory, State, Step
from seqlab.components.decoding.ranking import descending


def roll_out(
    step: Step,
    state: State,
    memory: Memory,
    *,
    choose: Callable[[Tensor], Tensor],
    num_hypotheses: int,
    max_length: int,
    start_id: int,
    end_id: int,
) -> Hypotheses:
    """Grow sequences until each has ended or has `max_length` tokens; best first.

    Args:
        step: what scores the next token.
        state: where every input starts, batch first.
        memory: what the steps of an input share, batch first.
        choose: tokens [N] given log-probabilities [N, V].
        num_hypotheses: number K of sequences per input.
        max_length: most tokens of a sequence, the end included.
        start_id: the token that every sequence is started with.
        end_id: the token that ends a sequence.
    """
    first = tree.first_tensor(state, memory)
    state, memory = tree.repeat(state, num_hypotheses), tree.repeat(memory, num_hypotheses)
    num_rows = len(first) * num_hypotheses  # N = B * K
    tokens = torch.full((num_rows,), start_id, device=first.device)  # [N]
    ended = torch.zeros(num_rows, dtype=torch.bool, device=first.device)  # [N]
    lengths = torch.zeros_like(tokens)  # [N]
    total: Tensor | float = 0.0  # [N]
    chosen: list[Tensor] = []
    attended: list[Tensor] = []

    for _ in range(max_length):
        log_probabilities, state = step(tokens, state, memory)  # [N, V]
        tokens = choose(log_probabilities).masked_fill(ended, end_id)  # [N]
        gained = log_probabilities.gather(1, tokens.unsqueeze(1)).squeeze(1)  # [N]
        total = total + gained.masked_fill(ended, 0.0)
        lengths = lengths + (~ended).long()
        chosen.append(tokens)
        weights = getattr(state, "weights", None)  # [N, L]
        if weights is not None:
            attended.append(weights.masked_fill(ended.unsqueeze(1), 0.0))
        ended = ended | (tokens == end_id)
        if ended.all():
            break

    def by_input(part: Tensor) -> Tensor:  # [N, ...] to [B, K, ...]
        return part.unflatten(0, (len(first), num_hypotheses))

    scores, order = descending(by_input(total))  # [B, K]
    rows = torch.arange(len(first), device=first.device).unsqueeze(1)  # [B, 1]
    return Hypotheses(
        tokens=by_input(torch.stack(chosen, dim=1))[rows, order],  # [B, K, T]
        lengths=by_input(lengths)[rows, order],  # [B, K]
        log_probabilities=scores,
        scores=scores,
        weights=by_input(torch.stack(attended, dim=1))[rows, order] if attended else None,
    )
