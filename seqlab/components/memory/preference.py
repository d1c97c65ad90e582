"""Which of two facts is to be preferred, by what they say and by when they were told."""

from typing import NamedTuple

import torch
from torch import Tensor


class Preference(NamedTuple):
    """The preference of one candidate over another; Weston et al. (2015), section 3.4.

    s(x, y, y') = s_y - s_y' + w . Phi_t(x, y, y'), where Phi_t are three features: whether x is
    older than y, whether x is older than y', and whether y is older than y'. Theirs are 1 and 0;
    here they are 1 and -1, since with three zeros nothing could tell that a newer fact is to be
    preferred to an older one that says as much. They are 0 where a candidate has no time.
    """

    scores: Tensor  # s, [B, N], how well each candidate answers x
    order: Tensor  # w, [B, 3]
    after: Tensor  # [B, N], 1 where x is older than a candidate, -1 where not, 0 without a time
    mask: Tensor  # [B, N], True where a candidate is real

    def over(self, preferred: Tensor, other: Tensor) -> Tensor:
        """s(x, y, y') of candidates y [B, I] over y' [B, J], where I or J may be 1: [B, max]."""
        (s_y, a_y), (s_other, a_other) = self._of(preferred), self._of(other)
        has_time = (a_y != 0) & (a_other != 0)  # [B, max]
        older = torch.where(preferred < other, 1.0, -1.0) * has_time  # [B, max]
        w = self.order.unsqueeze(2)  # [B, 3, 1]
        by_time = w[:, 0] * a_y + w[:, 1] * a_other + w[:, 2] * older  # [B, max]
        return s_y - s_other + by_time

    def _of(self, candidates: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and `after` of candidates [B, I]."""
        return self.scores.gather(1, candidates), self.after.gather(1, candidates)  # [B, I]

    def ranking_loss(self, true: Tensor, margin: float) -> Tensor:
        """How far the true candidates [B] are from a margin over each of the others: [B].

        sum over f of max(0, margin - s(x, true, f)) + max(0, margin + s(x, f, true)): Weston et al.
        (2015), appendix, over all facts f at once where they draw one.
        """
        others = torch.arange(self.scores.shape[1], device=true.device)  # [N]
        others = others.expand_as(self.scores)  # [B, N]
        true = true.unsqueeze(1)  # [B, 1]
        violations = (margin - self.over(true, others)).clamp_min(0)  # [B, N]
        violations = violations + (margin + self.over(others, true)).clamp_min(0)  # [B, N]
        counted = self.mask & (others != true)  # [B, N]
        return torch.where(counted, violations, 0).sum(dim=1)  # [B]

    def best(self) -> Tensor:
        """The candidate [B] that is left when each is compared with the best of those before it."""
        candidates = torch.arange(self.scores.shape[1], device=self.scores.device)
        champion = torch.zeros_like(self.mask[:, :1], dtype=torch.long)  # [B, 1]
        for candidate in candidates[1:]:
            challenger = candidate.expand_as(champion)  # [B, 1]
            wins = self.mask.gather(1, challenger) & (self.over(challenger, champion) > 0)  # [B, 1]
            champion = torch.where(wins, challenger, champion)
        return champion.squeeze(1)  # [B]
