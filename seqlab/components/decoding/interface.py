"""What a search is: it knows a step, a memory that stays and a state that it can reorder."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seqlab.components.decoding import tree
from seqlab.components.decoding.ranking import allowed

# Nested NamedTuples of tensors (or None), batch first.
Memory = Any  # what all steps of one input share; hypotheses of one input never exchange it
State = Any  # what one step hands to the next; a field `weights` [N, L], where it has one, is kept
Step = Callable[[Tensor, State, Memory], tuple[Tensor, State]]
"""step(tokens [N], state, memory) gives log-probabilities [N, V] and the next state."""


class Hypotheses(NamedTuple):
    """What a search found, best first for each input."""

    tokens: Tensor  # [B, K, T], without the start, the end included, filled with the end after it
    lengths: Tensor  # [B, K], tokens up to the end, the end included where it was reached
    log_probabilities: Tensor  # [B, K], of the tokens up to the end
    scores: Tensor  # [B, K], what the hypotheses are ranked by
    weights: Tensor | None  # [B, K, T, L], attention along each hypothesis, where the state has it


class Search(ABC):
    """Finds likely sequences under a step function, for all inputs of a batch at once.

    Attributes:
        needs_attention: whether the state must have attention weights.
    """

    needs_attention: bool = False

    @torch.no_grad()
    def __call__(
        self,
        step: Step,
        state: State,
        memory: Memory,
        *,
        start_id: int,
        end_id: int,
        banned_ids: Sequence[int] = (),
    ) -> Hypotheses:
        """Search from `start_id` until `end_id` or the search's own maximum length.

        Args:
            step: what scores the next token.
            state: where every input starts, batch first.
            memory: what the steps of an input share, batch first.
            start_id: the token that every sequence is started with.
            end_id: the token that ends a sequence.
            banned_ids: tokens that are never chosen.
        """
        device = tree.first_tensor(state, memory).device
        banned = torch.tensor(list(banned_ids), dtype=torch.long, device=device)

        def permitted(tokens: Tensor, state: State, memory: Memory) -> tuple[Tensor, State]:
            log_probabilities, state = step(tokens, state, memory)  # [N, V]
            return allowed(log_probabilities, banned), state

        return self.search(permitted, state, memory, start_id, end_id)

    @abstractmethod
    def search(
        self, step: Step, state: State, memory: Memory, start_id: int, end_id: int
    ) -> Hypotheses:
        """As a call, with a step whose banned tokens have the log-probability minus infinity."""
