"""What an image backbone is."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """Turns images into a feature map.

    Attributes:
        channels: depth D of the feature map.
        stride: pixels of the image per location of the map.
        frozen: True where nothing in it is trained and it always runs as in evaluation, so that
            its features may be computed once and kept.
        mean, std: the normalisation its weights expect, one value per colour channel.
    """

    channels: int
    stride: int
    frozen: bool
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @abstractmethod
    def forward(self, images: Tensor) -> Tensor:
        """Feature map [B, D, h, w] of images [B, 3, height, width] with values in [0, 1].

        The backbone normalises by its own mean and deviation, so that data knows no backbone.
        """

    def summary(self, feature_map: Tensor) -> Tensor:
        """One vector [B, D] of a feature map [B, D, h, w], as what classifies images reads it.

        The mean over locations, as networks since GoogLeNet take it; others say otherwise.
        """
        return feature_map.mean(dim=(2, 3))  # [B, D]

    @abstractmethod
    def fingerprint(self) -> str:
        """A hash of architecture and weights: equal where features of equal images are equal."""
