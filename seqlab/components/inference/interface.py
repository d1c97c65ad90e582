"""What an inference is: it shows an image to a network in parts, and makes their scores one."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

Score = Callable[[Tensor], Tensor]  # logits [B, C, height, width] of images [B, 3, height, width]


class PixelInference(ABC):
    """Scores the pixels of images."""

    @abstractmethod
    def __call__(self, score: Score, images: Tensor) -> Tensor:
        """Logits, or logarithms of probabilities, [B, C, height, width].

        Args:
            score: the network.
            images: [B, 3, height, width] with values in [0, 1], of any size.
        """


def mirrored(score: Score, images: Tensor) -> Tensor:
    """Logarithms of the mean probabilities of images and of their mirror images, [B, C, h, w]."""
    there = score(images).float().log_softmax(dim=1)  # [B, C, height, width]
    back = score(images.flip(3)).float().log_softmax(dim=1).flip(3)  # [B, C, height, width]
    return torch.logaddexp(there, back) - torch.log(there.new_tensor(2.0))
