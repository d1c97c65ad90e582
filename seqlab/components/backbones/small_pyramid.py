"""A narrow convolutional network of many strides, for masks of generated scenes from nothing."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from seqlab.components.backbones.fingerprint import fingerprint
from seqlab.components.backbones.interface import Backbone
from seqlab.components.layers.convolution import normalised_convolution


class SmallPyramid(Backbone):
    """Stages of two convolutions with batch normalisation and ReLU, each of half the resolution.

    The first kernel of a stage is 4 wide with stride 2, which keeps location n of a map of stride s
    centred on the pixels s n to s n + s - 1, so that a class is told where it is.

    Args:
        widths: channels D_i of each stage; as many stages, of the strides 2, 4, 8, ...

    Raises:
        ValueError: there is no stage.
    """

    def __init__(self, *, widths: Sequence[int]) -> None:
        super().__init__()
        if not widths:
            raise ValueError("widths names no stage; it has a number of channels for each")
        self.widths = tuple(widths)
        self.channels = self.widths[-1]
        self.stride = 2 ** len(self.widths)
        self.frozen = False
        self.mean = (0.5, 0.5, 0.5)
        self.std = (0.25, 0.25, 0.25)
        inputs = (3, *self.widths[:-1])
        self.layers = nn.ModuleList(
            nn.Sequential(
                *normalised_convolution(before, width, kernel_size=4, stride=2, padding=1),
                *normalised_convolution(width, width, kernel_size=3, stride=1, padding=1),
            )
            for before, width in zip(inputs, self.widths, strict=True)
        )
        self.to(memory_format=torch.channels_last)

    @property
    def pyramid_channels(self) -> tuple[int, ...]:
        """The widths."""
        return self.widths

    @property
    def pyramid_strides(self) -> tuple[int, ...]:
        """2, 4, 8, ..."""
        return tuple(2 ** (stage + 1) for stage in range(len(self.widths)))

    def forward(self, images: Tensor) -> Tensor:
        """Feature map [B, D, height / s, width / s] of images [B, 3, height, width] in [0, 1]."""
        return self.stages(images)[-1]

    def stages(self, images: Tensor) -> list[Tensor]:
        """The map [B, D_i, height / s_i, width / s_i] of each stage."""
        features = (images - self.mean[0]) / self.std[0]  # the same for all colours
        features = features.contiguous(memory_format=torch.channels_last)  # [B, 3, height, width]
        maps = []
        for layer in self.layers:
            features = layer(features)  # [B, D_i, height / s_i, width / s_i]
            maps.append(features)
        return maps

    def fingerprint(self) -> str:
        """Hash of the architecture's name, its sizes and its weights."""
        return fingerprint(self, {"name": "SmallPyramid", "widths": self.widths})
