"""CaffeNet, the AlexNet of Caffe, with batch normalisation: the towers of context prediction."""

import torch
from torch import Tensor, nn

from seqlab.components.backbones.fingerprint import fingerprint
from seqlab.components.backbones.interface import Backbone

# Of each convolution: channels, kernel size, stride, padding, groups, pooling before it.
_LAYERS = (
    (96, 11, 4, 5, 1, False),
    (256, 5, 1, 2, 2, True),
    (384, 3, 1, 1, 1, True),
    (384, 3, 1, 1, 2, False),
    (256, 3, 1, 1, 2, False),
)


class CaffeNet(Backbone):
    """conv1 to conv5 and pool5 of Krizhevsky et al. (2012) as Doersch et al. (2015) train them.

    Each convolution is followed by batch normalisation without scale and shift instead of the
    responses' normalisation. Borders are padded, so that location n of a map of stride s lies on
    the pixels from s n on.

    Args:
        width_factor: of all channels; 1 in the papers.

    Raises:
        ValueError: the factor leaves a layer without channels in both its groups.
    """

    def __init__(self, *, width_factor: float) -> None:
        super().__init__()
        depths = [2 * round(channels * width_factor / 2) for channels, *_ in _LAYERS]
        if min(depths) < 2:
            raise ValueError(f"a width_factor of {width_factor} leaves layers without channels")
        self.width_factor = width_factor
        self.channels, self.stride, self.frozen = depths[-1], 32, False
        self.mean, self.std = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
        self._channels = (depths[0], depths[1], depths[4], depths[4])
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        before = 3
        for number, (depth, layer) in enumerate(zip(depths, _LAYERS, strict=True), start=1):
            _, kernel, stride, padding, groups, _ = layer
            convolution = nn.Conv2d(
                before, depth, kernel, stride, padding, groups=groups, bias=False
            )
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            norm = nn.BatchNorm2d(depth, affine=False)
            block = nn.Sequential(convolution, norm, nn.ReLU(inplace=True))
            self.add_module(f"conv{number}", block)
            before = depth
        self.to(memory_format=torch.channels_last)

    @property
    def pyramid_channels(self) -> tuple[int, ...]:
        """Those of conv1, conv2, conv5 and pool5."""
        return self._channels

    @property
    def pyramid_strides(self) -> tuple[int, ...]:
        """4, 8, 16 and 32."""
        return (4, 8, 16, 32)

    def forward(self, images: Tensor) -> Tensor:
        """Feature map [B, D, height / 32, width / 32] of images [B, 3, height, width] in [0, 1]."""
        return self.stages(images)[-1]

    def stages(self, images: Tensor) -> list[Tensor]:
        """conv1, conv2, conv5 and pool5: [B, D_i, height / s_i, width / s_i], rounded up."""
        features = (images - self.mean[0]) / self.std[0]  # the same for all colours
        features = features.contiguous(memory_format=torch.channels_last)  # [B, 3, height, width]
        maps = []
        for number, (*_, pooled) in enumerate(_LAYERS, start=1):
            features = self.pool(features) if pooled else features  # [B, D_i, h_i, w_i]
            features = self.get_submodule(f"conv{number}")(features)  # [B, D_i, h_i, w_i]
            maps.append(features)
        return [maps[0], maps[1], maps[4], self.pool(maps[4])]

    def fingerprint(self) -> str:
        """Hash of the architecture's name, its width and its weights."""
        return fingerprint(self, {"name": "CaffeNet", "width_factor": self.width_factor})
