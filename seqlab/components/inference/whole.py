"""The whole image at once."""

from torch import Tensor

from seqlab.components.inference.interface import PixelInference, Score, mirrored


class WholeImage(PixelInference):
    """Shows the image as it is.

    Args:
        flip: whether its mirror image is scored too, and the probabilities are averaged.
    """

    def __init__(self, *, flip: bool) -> None:
        self.flip = flip

    def __call__(self, score: Score, images: Tensor) -> Tensor:
        return mirrored(score, images) if self.flip else score(images)
