"""Greedy search: at each step the likeliest token."""

from torch import Tensor

from seqlab.components.decoding.interface import Hypotheses, Memory, Search, State, Step
from seqlab.components.decoding.rollout import roll_out


class Greedy(Search):
    """Takes the likeliest token at each step; of equally likely ones, the lowest id.

    Args:
        max_length: most tokens of a sequence, the end included.
    """

    def __init__(self, *, max_length: int) -> None:
        if max_length < 1:
            raise ValueError(f"max_length is at least 1, not {max_length}")
        self.max_length = max_length

    def search(
        self, step: Step, state: State, memory: Memory, start_id: int, end_id: int
    ) -> Hypotheses:
        """One hypothesis per input; its score is its log-probability."""

        def choose(log_probabilities: Tensor) -> Tensor:
            return log_probabilities.argmax(dim=1)  # [N], the first of equals

        return roll_out(
            step,
            state,
            memory,
            choose=choose,
            num_hypotheses=1,
            max_length=self.max_length,
            start_id=start_id,
            end_id=end_id,
        )
