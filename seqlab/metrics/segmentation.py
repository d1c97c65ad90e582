"""How well each pixel's class is told: all scores of one confusion matrix, and of the borders."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric
from torchmetrics.classification import MulticlassConfusionMatrix

TOLERANCE = 0.0075  # of the image's diagonal; Csurka et al. (2013), section 4.1


class PixelScores(Metric):
    """Scores of Long et al. (2015), section 5, over all labelled pixels of an evaluation together.

    Pixels that are void are not looked at. A class that is neither labelled nor predicted anywhere
    is left out of the means.

    Args:
        classes: their names, in the order of the numbers.
        void: label of a pixel that is not scored.
        per_class: whether the intersection over union of each is a number of its own.
    """

    is_differentiable = False
    full_state_update = False

    def __init__(self, *, classes: Sequence[str], void: int, per_class: bool) -> None:
        super().__init__()
        self.classes, self.per_class = tuple(classes), per_class
        self.confusion = MulticlassConfusionMatrix(
            len(self.classes), ignore_index=void, validate_args=False
        )

    def update(self, predicted: Tensor, labels: Tensor) -> None:
        """Count the pixels of a batch.

        Args:
            predicted: classes, [B, height, width].
            labels: classes, void where nothing is scored, [B, height, width].
        """
        self.confusion.update(predicted, labels)

    def reset(self) -> None:
        """Forget all pixels."""
        super().reset()
        self.confusion.reset()

    def matrix(self) -> Tensor:
        """Pixels by class and predicted class, [C, C]."""
        return self.confusion.compute().double()  # [C, C]

    def compute(self) -> dict[str, Tensor]:
        """By name."""
        matrix = self.matrix()  # [C, C]
        right, labelled = matrix.diagonal(), matrix.sum(dim=1)  # [C]
        iou = right / (labelled + matrix.sum(dim=0) - right)  # [C], NaN where there is nothing
        found = {
            "pixel_accuracy": right.sum() / labelled.sum(),
            "mean_accuracy": (right / labelled).nanmean(),
            "mean_iou": iou.nanmean(),
            "frequency_weighted_iou": (labelled * iou.nan_to_num()).sum() / labelled.sum(),
        }
        if self.per_class:
            known = zip(self.classes, iou, strict=True)
            found |= {iou_key(name): value for name, value in known if not value.isnan()}
        return found


def iou_key(name: str) -> str:
    """The name of the score of one class."""
    return f"iou_{name.replace(' ', '_')}"


class BoundaryF1(Metric):
    """How well borders are met: F1 of border pixels, as Csurka et al. (2013), section 4.1.

    A border pixel of a class has a neighbour, above, below or beside it, of another class; the edge
    of a void region is no border. It is met where the other map has one of the same class within
    0.75 % of the image's diagonal. F1 is averaged over the classes that have a border in either
    map, and then over the images that have any.

    Args:
        num_classes: how many classes there are.
        void: label of a pixel that is not scored.
    """

    is_differentiable = False
    full_state_update = False
    total: Tensor
    num_images: Tensor

    def __init__(self, *, num_classes: int, void: int) -> None:
        super().__init__()
        self.num_classes, self.void = num_classes, void
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("num_images", torch.zeros((), dtype=torch.long), dist_reduce_fx="sum")

    def update(self, predicted: Tensor, labels: Tensor) -> None:
        """Compare a batch.

        Args:
            predicted: classes, [B, height, width].
            labels: classes, void where nothing is scored, [B, height, width].
        """
        predicted = predicted.masked_fill(labels == self.void, self.void)  # [B, height, width]
        disk = _disk(TOLERANCE * math.hypot(*labels.shape[1:])).to(labels.device)  # [1, 1, k, k]
        for found, true in zip(predicted, labels, strict=True):
            scores = self._of_image(self._borders(found), self._borders(true), disk)  # [P]
            if len(scores):
                self.total += scores.mean()
                self.num_images += 1

    def _borders(self, labels: Tensor) -> Tensor:
        """True on border pixels of each class, [C, height, width], of labels [height, width]."""
        border = torch.zeros_like(labels, dtype=torch.bool)  # [height, width]
        for dim in (0, 1):
            size = labels.shape[dim] - 1
            first, second = labels.narrow(dim, 0, size), labels.narrow(dim, 1, size)
            differs = (first != second) & (first != self.void) & (second != self.void)
            border.narrow(dim, 0, size).logical_or_(differs)
            border.narrow(dim, 1, size).logical_or_(differs)
        classes = torch.arange(self.num_classes, device=labels.device).view(-1, 1, 1)  # [C, 1, 1]
        return (labels == classes) & border  # [C, height, width]

    @staticmethod
    def _of_image(found: Tensor, true: Tensor, disk: Tensor) -> Tensor:
        """F1 of each class that has a border in one of the maps, from those [C, height, width]."""
        present = (found | true).flatten(1).any(dim=1)  # [C]
        found, true = found[present], true[present]  # [P, height, width]
        precision = _met(found, true, disk)  # [P]
        recall = _met(true, found, disk)  # [P]
        return 2 * precision * recall / (precision + recall).clamp_min(1e-12)  # [P]

    def compute(self) -> dict[str, Tensor]:
        """By name; nothing where no image has a border."""
        if not self.num_images:
            return {}
        return {"boundary_f1": self.total / self.num_images}


def _disk(radius: float) -> Tensor:
    """1 within a radius of the middle, [1, 1, k, k]."""
    reach = torch.arange(-math.floor(radius), math.floor(radius) + 1)  # [k]
    return ((reach**2 + reach.unsqueeze(1) ** 2) <= radius**2).float()[None, None]  # [1, 1, k, k]


def _met(borders: Tensor, others: Tensor, disk: Tensor) -> Tensor:
    """The share of border pixels [P, height, width] that the others have near them, [P]."""
    near = F.conv2d(others.float().unsqueeze(1), disk, padding="same")[:, 0] > 0.5
    met = (borders & near).flatten(1).sum(dim=1).double()  # [P]
    return met / borders.flatten(1).sum(dim=1).clamp_min(1)  # [P]
