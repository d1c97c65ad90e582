"""How well it is told what images show: accuracy of one class each, mean average precision."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.classification import (
    binary_average_precision,
    multiclass_accuracy,
    multiclass_confusion_matrix,
)
from torchmetrics.utilities import dim_zero_cat

TOP = 5
VOC_RECALLS = np.linspace(0, 1, 11)


class Classified(NamedTuple):
    """What was said of all images of an evaluation."""

    scores: Tensor  # [N, C], more where a class is likelier
    labels: Tensor  # [N, C], 1 what it shows, 0 what it does not, -1 what does not count

    def precisions(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Average precision of each class, and that of VOC 2007, [C]; NaN where none shows it."""
        plain = np.full(self.labels.shape[1], np.nan)
        voc = plain.copy()
        for each in range(self.labels.shape[1]):
            counted = self.labels[:, each] >= 0  # [N]
            scores, labels = self.scores[counted, each], self.labels[counted, each]
            if bool((labels == 1).any()):
                plain[each] = float(binary_average_precision(scores, labels))
                voc[each] = voc_average_precision(scores.cpu().numpy(), labels.cpu().numpy())
        return plain, voc

    def mean_precisions(self) -> dict[str, float]:
        """By name: `map`, and `voc_map` of VOC 2007, over the classes that are shown."""
        if not bool((self.labels == 1).any()):
            return {}
        plain, voc = self.precisions()
        return {"map": float(np.nanmean(plain)), "voc_map": float(np.nanmean(voc))}

    def accuracies(self) -> dict[str, float]:
        """By name: `accuracy`, and of more than five classes `top5_accuracy`, of one class each."""
        num_classes = self.labels.shape[1]
        tops = {"accuracy": 1, "top5_accuracy": TOP} if num_classes > TOP else {"accuracy": 1}
        labels = self.labels.argmax(dim=1)  # [N]
        return {
            name: float(
                multiclass_accuracy(self.scores, labels, num_classes, average="micro", top_k=top)
            )
            for name, top in tops.items()
        }

    def confusion(self) -> Tensor:
        """Images by class and by the class that was said, [C, C], of one class each."""
        said, labels = self.scores.argmax(dim=1), self.labels.argmax(dim=1)  # [N], [N]
        return multiclass_confusion_matrix(said, labels, self.labels.shape[1]).double()


class ImageScores(Metric):
    """Collects what is said of images, on which average precision depends as a whole."""

    is_differentiable = False
    full_state_update = False
    scores: Any
    labels: Any

    def __init__(self) -> None:
        super().__init__()
        for name in ("scores", "labels"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(self, scores: Tensor, labels: Tensor) -> None:
        """Take in a batch: scores [B, C] and labels [B, C]."""
        self.scores.append(scores)
        self.labels.append(labels)

    def compute(self) -> Classified:
        """What was said of each image."""
        return Classified(dim_zero_cat(self.scores), dim_zero_cat(self.labels))


def voc_average_precision(scores: NDArray[Any], labels: NDArray[Any]) -> float:
    """Average precision of VOC 2007; Everingham et al. (2010), section 4.2.

    The mean over the recalls 0, 0.1, ..., 1 of the best precision at that recall or above. Images
    of one score are found together, so that their order says nothing.

    Args:
        scores: of a class, [N].
        labels: 1 where it is shown, else 0, [N]; at least one is.

    Raises:
        ValueError: no image shows it.
    """
    if not labels.any():
        raise ValueError("no image shows the class, so that it has no precision")
    order = np.argsort(-scores, kind="stable")
    found = labels[order].cumsum()  # [N], of the images up to each
    last = np.flatnonzero(np.diff(scores[order], append=np.nan) != 0)  # of each score
    recall, precision = found[last] / labels.sum(), found[last] / (last + 1)
    reached = recall[None, :] >= VOC_RECALLS[:, None] - 1e-12  # [11, scores]
    return float(np.where(reached, precision, 0).max(axis=1).mean())
