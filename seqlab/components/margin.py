"""The margin ranking loss of memory networks."""

from torch import Tensor


def margin_ranking(scores: Tensor, right: Tensor, margin: float) -> Tensor:
    """By how much each wrong candidate fails to stay a margin below the right one, summed: [B].

    sum_(f != r) max(0, margin - s(r) + s(f)); Weston et al. (2015), equations 6 to 8, with the sum
    over all candidates that the paper samples from.

    Args:
        scores: of the candidates, [B, N]; -inf where there is none.
        right: which candidate is right, [B].
        margin: gamma of the paper, above 0.
    """
    best = scores.gather(1, right.unsqueeze(1))  # [B, 1]
    short = (margin - best + scores).clamp_min(0)  # [B, N]
    return short.scatter(1, right.unsqueeze(1), 0.0).sum(dim=1)  # [B]
