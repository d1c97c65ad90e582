"""One map out of a backbone's pyramid: fine enough for masks, coarse enough to know objects."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.components.backbones.interface import Backbone


class FusedMaps(nn.Module):
    """The maps from a stride on, each through a 1 x 1 convolution, summed at the finest.

    Args:
        backbone: whose maps are read.
        stride: of the finest map that is read.
        channels: D, of the result.

    Raises:
        ValueError: the backbone has no such stride.
    """

    def __init__(self, *, backbone: Backbone, stride: int, channels: int) -> None:
        super().__init__()
        known = backbone.pyramid_strides
        if stride not in known:
            listed = ", ".join(map(str, known))
            raise ValueError(f"stride is one of the backbone's {listed}, not {stride}")
        self.backbone = backbone
        self.start = known.index(stride)
        depths = backbone.pyramid_channels[self.start :]
        self.from_maps = nn.ModuleList(nn.Conv2d(depth, channels, 1) for depth in depths)

    def forward(self, images: Tensor) -> Tensor:
        """[B, D, h, w] of images [B, 3, height, width] with values in [0, 1]."""
        maps = self.backbone.pyramid(images)[self.start :]
        size = maps[0].shape[2:]
        fused = [
            F.interpolate(layer(each), size=size, mode="bilinear", align_corners=False)
            for layer, each in zip(self.from_maps, maps, strict=True)
        ]
        return F.relu(torch.stack(fused).sum(dim=0))  # [B, D, h, w]
