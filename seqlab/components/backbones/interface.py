"""What an image backbone is."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn

from seqlab.components.layers.borders import fitted, whole_strides


class Backbone(nn.Module, ABC):
    """Turns images into a feature map, or into a pyramid of them.

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

    @property
    def pyramid_channels(self) -> tuple[int, ...]:
        """Depth D_i of each map of the pyramid."""
        return (self.channels,)

    @property
    def pyramid_strides(self) -> tuple[int, ...]:
        """Pixels of the image per location of each map of the pyramid, rising."""
        return (self.stride,)

    def stages(self, images: Tensor) -> Sequence[Tensor]:
        """The maps of the pyramid as the network gives them, of images that `forward` takes.

        Of a network that tells nothing of its stages, the feature map alone.
        """
        return [self(images)]

    def pyramid(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps [B, D_i, height / s_i, width / s_i], rounded up, from the finest to the coarsest.

        The coarsest is that of `forward`. Images are continued to a multiple of its stride, so that
        location n of map i lies on the pixels from s_i n to s_i n + s_i - 1, whatever their size. A
        network that pads too little has fewer locations, which then lie in the middle.

        Args:
            images: [B, 3, height, width] with values in [0, 1].
        """
        height, width = images.shape[2:]
        whole = whole_strides(images, self.pyramid_strides[-1])  # [B, 3, height', width']
        maps = []
        for stage, stride in zip(self.stages(whole), self.pyramid_strides, strict=True):
            size = (whole.shape[2] // stride, whole.shape[3] // stride)
            stage = fitted(stage, size, centred=True)  # [B, D_i, height' / s_i, width' / s_i]
            size = (math.ceil(height / stride), math.ceil(width / stride))
            maps.append(fitted(stage, size, centred=False))  # [B, D_i, height / s_i, width / s_i]
        return tuple(maps)

    def summary(self, feature_map: Tensor) -> Tensor:
        """One vector [B, D] of a feature map [B, D, h, w], as what classifies images reads it.

        The mean over locations, as networks since GoogLeNet take it; others say otherwise.
        """
        return feature_map.mean(dim=(2, 3))  # [B, D]

    @abstractmethod
    def fingerprint(self) -> str:
        """A hash of architecture and weights: equal where features of equal images are equal."""
