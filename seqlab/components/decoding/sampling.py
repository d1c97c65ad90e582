"""Sampling: sequences drawn from the model, sharpened or cut to the likeliest tokens if asked."""

from torch import Tensor

from seqlab.components.decoding.interface import Hypotheses, Memory, Search, State, Step
from seqlab.components.decoding.ranking import descending
from seqlab.components.decoding.rollout import roll_out


class Sampling(Search):
    """Draws tokens from p^(1/temperature), normalised over the tokens that are left.

    The temperature comes first, then `top_k` (Fan et al. 2018), then `top_p` (nucleus sampling,
    Holtzman et al. 2020, section 3.1). Draws come from torch's global generator.

    Args:
        num_samples: sequences per input, returned from the likeliest to the least likely; scores
            and log-probabilities are those of the model, without temperature and cuts.
        temperature: above 0; below 1 prefers likely tokens.
        top_k: draw among the k likeliest tokens; None for all.
        top_p: draw among the fewest likeliest tokens that together have this probability; None
            for all.
        max_length: most tokens of a sequence, the end included.
    """

    def __init__(
        self,
        *,
        num_samples: int,
        temperature: float,
        top_k: int | None,
        top_p: float | None,
        max_length: int,
    ) -> None:
        if num_samples < 1:
            raise ValueError(f"num_samples is at least 1, not {num_samples}")
        if not temperature > 0:
            raise ValueError(f"temperature is above 0, not {temperature}")
        if top_k is not None and top_k < 1:
            raise ValueError(f"top_k is at least 1 or null, not {top_k}")
        if top_p is not None and not 0 < top_p <= 1:
            raise ValueError(f"top_p is in (0, 1] or null, not {top_p}")
        if max_length < 1:
            raise ValueError(f"max_length is at least 1, not {max_length}")
        self.num_samples = num_samples
        self.temperature = temperature
        self.top_k = top_k
        self.top_p = top_p
        self.max_length = max_length

    def search(
        self, step: Step, state: State, memory: Memory, start_id: int, end_id: int
    ) -> Hypotheses:
        """Draw `num_samples` hypotheses per input."""
        return roll_out(
            step,
            state,
            memory,
            choose=self._draw,
            num_hypotheses=self.num_samples,
            max_length=self.max_length,
            start_id=start_id,
            end_id=end_id,
        )

    def _draw(self, log_probabilities: Tensor) -> Tensor:
        """Tokens [N] given log-probabilities [N, V]."""
        probabilities = (log_probabilities / self.temperature).softmax(dim=1)  # [N, V]
        if self.top_k is None and self.top_p is None:
            return probabilities.multinomial(1).squeeze(1)
        probabilities, tokens = descending(probabilities)  # [N, V], likeliest first
        if self.top_k is not None:
            probabilities = probabilities[:, : self.top_k]  # [N, k]
            probabilities = probabilities / probabilities.sum(dim=1, keepdim=True)
        if self.top_p is not None:
            before = probabilities.cumsum(dim=1) - probabilities  # [N, k], mass of likelier tokens
            kept = before < self.top_p
            probabilities = probabilities.masked_fill(~kept, 0.0)
        rank = probabilities.multinomial(1)  # [N, 1]; multinomial normalises
        return tokens.gather(1, rank).squeeze(1)
