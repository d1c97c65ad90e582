"""Windows of the image, one after another."""

import math

import torch
from torch import Tensor

from seqlab.components.inference.interface import PixelInference, Score, mirrored


class SlidingWindow(PixelInference):
    """Shows windows of the size that the network was trained on, and averages where they overlap.

    The windows lie evenly, the first and the last at the borders. Where an image is not larger than
    the window it is shown as it is.

    Args:
        window: height and width in pixels.
        overlap: the least share of a window's side that the next one covers again, from 0 to below
            1.
        flip: whether the mirror image of each window is scored too.

    Raises:
        ValueError: the window has no pixel, or the windows would not move on.
    """

    def __init__(self, *, window: tuple[int, int], overlap: float, flip: bool) -> None:
        if min(window) < 1 or not 0 <= overlap < 1:
            raise ValueError(
                f"window={list(window)} is at least 1 x 1 pixel and overlap={overlap} is from 0 to "
                "below 1"
            )
        self.window, self.overlap, self.flip = window, overlap, flip

    def __call__(self, score: Score, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        tall, wide = min(self.window[0], height), min(self.window[1], width)
        total: Tensor | None = None
        times = images.new_zeros(height, width)  # [height, width]
        for top in _starts(height, tall, self.overlap):
            for left in _starts(width, wide, self.overlap):
                place = (..., slice(top, top + tall), slice(left, left + wide))
                probabilities = self._read(score, images[place])  # [B, C, tall, wide]
                if total is None:
                    total = probabilities.new_zeros(*probabilities.shape[:2], height, width)
                total[place] += probabilities
                times[place] += 1
        return (
            (total / times).clamp_min(torch.finfo(total.dtype).tiny).log()
        )  # [B, C, height, width]

    def _read(self, score: Score, window: Tensor) -> Tensor:
        """Probabilities [B, C, tall, wide] of a window [B, 3, tall, wide]."""
        if self.flip:
            return mirrored(score, window).exp()
        return torch.softmax(score(window).float(), dim=1)


def _starts(length: int, window: int, overlap: float) -> list[int]:
    """Where windows begin, so that they cover a length and overlap no less than is asked for."""
    step = max(1, math.floor(window * (1 - overlap)))
    number = math.ceil((length - window) / step) + 1
    if number == 1:
        return [0]
    return [round(index * (length - window) / (number - 1)) for index in range(number)]
