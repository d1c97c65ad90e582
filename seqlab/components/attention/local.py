"""Local selection: only the places around one in the source are read."""

import torch
from torch import Tensor, nn

from seqlab.components.attention.interface import Attended, Attention, Prepared, Score
from seqlab.components.attention.soft import read
from seqlab.components.masking import length_mask, masked_softmax


class LocalMonotonic(Attention):
    """Reads around the place that is as far into the source as the step into the target.

    local-m of Luong et al. (2015), section 3.2: p_t = t, and the softmax of equation 7 runs over
    the window [p_t - D, p_t + D] alone. Past the end of the source p_t stays at its last place,
    where the paper's window would come to be empty.

    Args:
        score: how well a value answers a query.
        window: D, the places read on either side of p_t.

    Raises:
        ValueError: the window has no place beside its middle.
    """

    def __init__(self, *, score: Score, window: int) -> None:
        super().__init__()
        check_window(window)
        self.score = score
        self.window = window

    def prepare(self, values: Tensor, mask: Tensor | None = None) -> Prepared:
        """Project values [B, L, D] once; the mask [B, L] is True on the first, real ones."""
        return Prepared(values, self.score.project(values), mask)

    def forward(
        self, query: Tensor, prepared: Prepared, position: Tensor | None = None
    ) -> Attended:
        """Read with queries [B, Q] or [B, T, Q] of steps [B] or [B, T].

        Raises:
            ValueError: the position is missing.
        """
        if position is None:
            raise ValueError("local-m attention follows the steps and needs their position")
        last = across(num_places(prepared), position) - 1  # [B, (1)]
        center = torch.minimum(position, last)  # [B, (T)]
        align, _ = align_around(center, self.score(query, prepared.keys), self.window, prepared)
        return Attended(read(align, prepared.values), align, align)


class LocalPredictive(Attention):
    """Reads around a place that the query predicts, most what is nearest to it.

    local-p of Luong et al. (2015), equations 9 and 10: p_t = S sigmoid(v^T tanh(W h_t)), and the
    softmax over the window [p_t - D, p_t + D] is multiplied by exp(-(s - p_t)^2 / (2 sigma^2)) with
    sigma = D / 2. The places s of a source of S tokens count from 0. As in the paper the product
    is not normalised again, so that weights sum to at most 1; through it alone p_t is learned.

    Args:
        score: how well a value answers a query.
        query_dim: size Q of a query, and of the layer that predicts from it.
        window: D, the places read on either side of p_t.

    Raises:
        ValueError: the window has no place beside its middle.
    """

    def __init__(self, *, score: Score, query_dim: int, window: int) -> None:
        super().__init__()
        check_window(window)
        self.score = score
        self.window = window
        self.predict = nn.Linear(query_dim, query_dim, bias=False)
        self.place = nn.Linear(query_dim, 1, bias=False)

    def prepare(self, values: Tensor, mask: Tensor | None = None) -> Prepared:
        """Project values [B, L, D] once; the mask [B, L] is True on the first, real ones."""
        return Prepared(values, self.score.project(values), mask)

    def forward(
        self, query: Tensor, prepared: Prepared, position: Tensor | None = None
    ) -> Attended:
        """Read with queries [B, Q] or [B, T, Q]; the position changes nothing."""
        share = torch.sigmoid(self.place(torch.tanh(self.predict(query))).squeeze(-1))  # [B, (T)]
        center = across(num_places(prepared), share) * share  # [B, (T)], equation 9
        scores = self.score(query, prepared.keys)  # [B, (T,) L]
        align, distance = align_around(center, scores, self.window, prepared)
        sigma = self.window / 2
        weights = align * torch.exp(-distance.square() / (2 * sigma**2))  # equation 10
        return Attended(read(weights, prepared.values), weights, align)


def align_around(
    center: Tensor, scores: Tensor, window: int, prepared: Prepared
) -> tuple[Tensor, Tensor]:
    """Softmax in the windows around centers, and how far each place lies from its center.

    Args:
        center: p_t, [B] or [B, T], not further than 1 from a real place.
        scores: [B, L] or [B, T, L].
        window: D.
        prepared: what is read.

    Returns:
        Weights and distances, each [B, L] or [B, T, L].
    """
    places = torch.arange(scores.shape[-1], device=scores.device)  # [L]
    distance = places - center.unsqueeze(-1)  # [B, (T,) L]
    real = length_mask(num_places(prepared), len(places))  # [B, L]
    near = (distance.abs() <= window) & across(real, center)  # [B, (T,) L]
    return masked_softmax(scores, near), distance


def num_places(prepared: Prepared) -> Tensor:
    """How many values of each input are real, [B]."""
    if prepared.mask is not None:
        return prepared.mask.sum(dim=1)  # [B]
    batch_size, size = prepared.values.shape[:2]
    return torch.full((batch_size,), size, device=prepared.values.device)  # [B]


def across(per_input: Tensor, like: Tensor) -> Tensor:
    """What holds for an input, [B, ...], beside [B], or beside [B, T] as [B, 1, ...]."""
    return per_input if like.dim() == 1 else per_input.unsqueeze(1)


def check_window(window: int) -> None:
    """Refuse a window that can miss every place: p_t may lie up to 1 past the last one."""
    if window < 1:
        raise ValueError(f"window={window}: at least one place on either side is read")
