"""How well the places of patches in their images are told."""

from typing import Any

from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.regression import r2_score
from torchmetrics.utilities import dim_zero_cat

AXES = ("right", "down")


class PositionErrors(Metric):
    """Collects centres of patches, as they are and as they are said to be.

    `error` is the mean distance, 2 being the side of an image, `middle_error` that of always saying
    the middle. `error_right` and `error_down` are the mean distances along one axis, and `r2_right`
    and `r2_down` say how much of the variance along it is told: 0 of nothing, 1 of all.
    """

    is_differentiable = False
    full_state_update = False
    said: Any
    true: Any

    def __init__(self) -> None:
        super().__init__()
        self.add_state("said", default=[], dist_reduce_fx="cat")
        self.add_state("true", default=[], dist_reduce_fx="cat")

    def update(self, said: Tensor, true: Tensor) -> None:
        """Take in the centres of a batch, [N, 2] each."""
        self.said.append(said)
        self.true.append(true)

    def centres(self) -> tuple[Tensor, Tensor]:
        """All that were said and all that are true, [N, 2] each."""
        return dim_zero_cat(self.said), dim_zero_cat(self.true)

    def compute(self) -> dict[str, Tensor]:
        """The scores by name."""
        said, true = self.centres()  # [N, 2], [N, 2]
        errors = (said - true).abs().mean(dim=0)  # [2]
        told = r2_score(said, true, multioutput="raw_values")  # [2]
        found = {
            "error": (said - true).norm(dim=1).mean(),
            "middle_error": true.norm(dim=1).mean(),
        }
        for axis, name in enumerate(AXES):
            found[f"error_{name}"] = errors[axis]
            found[f"r2_{name}"] = told[axis]
        return found
