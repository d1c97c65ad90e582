"""How well the directions of surfaces are told: the angles between what was said and the truth."""

import torch
from torch import Tensor
from torchmetrics import Metric

from seqlab.components.directions import angles

BIN = 0.01  # degrees, to which the median is exact
THRESHOLDS = {"within_11": 11.25, "within_22": 22.5, "within_30": 30.0}  # degrees
_NUM_BINS = round(180 / BIN)


class NormalScores(Metric):
    """Scores of Fouhey et al. (2013), over all known pixels of an evaluation together.

    Mean, median and root mean square of the angular error in degrees, and the share of pixels whose
    error is below 11.25, 22.5 and 30 degrees. Errors are counted in bins of 0.01 degrees, within
    which the median is interpolated; the other scores are exact.
    """

    is_differentiable = False
    full_state_update = False
    total: Tensor
    total_squares: Tensor
    below: Tensor
    histogram: Tensor

    def __init__(self) -> None:
        super().__init__()
        sums = {"total": (), "total_squares": ()}
        for name, shape in sums.items():
            self.add_state(name, torch.zeros(shape, dtype=torch.float64), dist_reduce_fx="sum")
        counts = {"below": len(THRESHOLDS), "histogram": _NUM_BINS}
        for name, size in counts.items():
            self.add_state(name, torch.zeros(size, dtype=torch.long), dist_reduce_fx="sum")
        self._counted = self.histogram  # of all processes, when scores were last asked for

    def update(self, found: Tensor, normals: Tensor) -> None:
        """Measure a batch.

        Args:
            found: directions of length 1, [B, 3, height, width].
            normals: true ones, 0 where they are not known, [B, 3, height, width].
        """
        known = normals.square().sum(dim=1) > 0  # [B, height, width]
        errors = torch.rad2deg(angles(found, normals)[known])  # [pixels]
        limits = errors.new_tensor(list(THRESHOLDS.values()))  # [thresholds]
        self.total += errors.double().sum()
        self.total_squares += errors.double().square().sum()
        self.below += (errors.unsqueeze(1) < limits).sum(dim=0)
        bins = (errors / BIN).long().clamp_max(_NUM_BINS - 1)  # [pixels]
        self.histogram += torch.bincount(bins, minlength=_NUM_BINS)

    def curve(self) -> tuple[Tensor, Tensor]:
        """Angles from 0 to 180 in degrees, and the share of pixels with no greater error.

        Of the pixels that the last `compute` was of.
        """
        upto = torch.cat([self._counted.new_zeros(1), self._counted.cumsum(0)])  # [bins + 1]
        edges = torch.arange(_NUM_BINS + 1, device=upto.device) * BIN  # [bins + 1]
        return edges, upto.double() / upto[-1]

    def compute(self) -> dict[str, Tensor]:
        """By name; NaN where no pixel is known."""
        # While it is called the states are the sums over all processes, and only then.
        self._counted = self.histogram
        count = self.histogram.sum()  # []
        scores = {
            "mean_error": self.total / count,
            "median_error": self._median(),
            "rmse": (self.total_squares / count).sqrt(),
        }
        return scores | dict(zip(THRESHOLDS, self.below / count, strict=True))

    def _median(self) -> Tensor:
        """Where the curve passes one half, in degrees."""
        edges, shares = self.curve()  # [bins + 1]
        if shares[-1].isnan():
            return shares[-1]
        after = int(torch.searchsorted(shares, 0.5))
        step = shares[after] - shares[after - 1]  # [] above 0, since `after` is the first
        return edges[after - 1] + BIN * (0.5 - shares[after - 1]) / step
