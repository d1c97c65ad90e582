"""How well videos are classified: by the clip, and by the mean over the clips of each."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_confusion_matrix,
)
from torchmetrics.utilities import dim_zero_cat

TOP = 5


class Videos(NamedTuple):
    """What was said of all videos of an evaluation."""

    numbers: Tensor  # [V], of the videos in their split, rising
    labels: Tensor  # [V]
    probabilities: Tensor  # [V, C], mean over the clips
    clip_accuracy: Tensor  # []


class VideoScores(Metric):
    """Collects the class probabilities of clips, and averages those of a video.

    So do Tran et al. (2015), section 4, and Karpathy et al. (2014), section 4.1.
    """

    is_differentiable = False
    full_state_update = False
    numbers: Any
    labels: Any
    probabilities: Any

    def __init__(self) -> None:
        super().__init__()
        for name in ("numbers", "labels", "probabilities"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(self, probabilities: Tensor, labels: Tensor, numbers: Tensor) -> None:
        """Take in the clips of a batch.

        Args:
            probabilities: of the classes, [B, C].
            labels: of the clips' videos, [B].
            numbers: of the videos, [B].
        """
        self.probabilities.append(probabilities)
        self.labels.append(labels)
        self.numbers.append(numbers)

    def compute(self) -> Videos:
        """What was said of each video."""
        numbers, labels = dim_zero_cat(self.numbers), dim_zero_cat(self.labels)  # [N], [N]
        probabilities = dim_zero_cat(self.probabilities)  # [N, C]
        videos, place, counts = numbers.unique(return_inverse=True, return_counts=True)
        summed = probabilities.new_zeros(len(videos), probabilities.shape[1])  # [V, C]
        summed.index_add_(0, place, probabilities)
        video_labels = labels.new_zeros(len(videos)).scatter(0, place, labels)  # [V]
        right = (probabilities.argmax(dim=1) == labels).float().mean()
        return Videos(videos, video_labels, summed / counts.unsqueeze(1), right)


def accuracies(videos: Videos) -> dict[str, Tensor]:
    """By name: `clip_accuracy`, `video_accuracy`, of more than five classes `top5_accuracy`."""
    num_classes = videos.probabilities.shape[1]
    labels = videos.labels.reshape(-1)  # [V]

    def accuracy(top: int) -> Tensor:
        return multiclass_accuracy(
            videos.probabilities, labels, num_classes, average="micro", top_k=top
        )

    found = {"clip_accuracy": videos.clip_accuracy, "video_accuracy": accuracy(1)}
    if num_classes > TOP:
        found["top5_accuracy"] = accuracy(TOP)
    return found


def confusion(videos: Videos) -> Tensor:
    """Videos by class and by the class that was said, [C, C]."""
    said = videos.probabilities.argmax(dim=1)  # [V]
    num_classes = videos.probabilities.shape[1]
    labels = torch.as_tensor(videos.labels).reshape(-1)  # [V]
    return multiclass_confusion_matrix(said, labels, num_classes).double()  # [C, C]
