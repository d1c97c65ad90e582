"""Hypercolumns: all that a network says of a pixel at once, read by classifiers that know where."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.components.backbones.interface import Backbone
from seqlab.components.layers.borders import fitted
from seqlab.models.interfaces import SegmentationModel, Segmented


class Hypercolumns(SegmentationModel):
    """Maps of several layers as one vector per location; Hariharan et al. (2015), section 3.

    Each map goes through a 1 x 1 convolution and is upsampled to the finest; all are joined and
    rectified. Each of K x K classifiers belongs to the middle of one cell of a grid on the image,
    and between them the scores are interpolated: h(p) = sum_k alpha_k(p) g_k(x_p). The paper lays
    the grid on the box of an object. The scores are upsampled to the pixels.

    Args:
        num_classes: number C of classes.
        backbone: whose maps are read.
        stride: of the finest map that is read, at whose resolution the hypercolumns are.
        column_channels: channels that each map gives to a hypercolumn.
        grid_size: K; 1 for one classifier for all places.
        dropout: probability with which a number of a hypercolumn is dropped.

    Raises:
        ValueError: the backbone has no such stride, or there is no classifier.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        backbone: Backbone,
        stride: int,
        column_channels: int,
        grid_size: int,
        dropout: float,
    ) -> None:
        super().__init__()
        known = backbone.pyramid_strides
        if stride not in known:
            listed = ", ".join(map(str, known))
            raise ValueError(f"stride is one of the backbone's {listed}, not {stride}")
        if grid_size < 1:
            raise ValueError(f"grid_size is 1 or more, not {grid_size}")
        self.backbone = backbone
        self.grid_size = grid_size
        self.strides = known[known.index(stride) :]  # of the maps that are read, rising
        depths = backbone.pyramid_channels[-len(self.strides) :]
        self.from_maps = nn.ModuleList(nn.Conv2d(depth, column_channels, 1) for depth in depths)
        self.dropout = nn.Dropout(dropout)
        column_dim = column_channels * len(depths)
        self.classifiers = nn.Conv2d(column_dim, grid_size**2 * num_classes, 1)
        for layer in self.from_maps:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def forward(self, images: Tensor) -> Segmented:
        """Scores of images [B, 3, height, width] with values in [0, 1], of any size."""
        maps = self.backbone.pyramid(images)[-len(self.from_maps) :]  # each [B, D_i, h_i, w_i]
        columns = F.relu(self._columns(maps))  # [B, column_dim, h, w]
        logits = self.classify(self.dropout(columns))  # [B, C, h, w]
        logits = F.interpolate(logits, scale_factor=float(self.strides[0]), mode="bilinear")
        size = (images.shape[2], images.shape[3])
        return Segmented(fitted(logits, size, centred=False))  # [B, C, height, width]

    def _columns(self, maps: Sequence[Tensor]) -> Tensor:
        """What the maps [B, D_i, h_i, w_i] give to each location, [B, column_dim, h, w]."""
        size = (maps[0].shape[2], maps[0].shape[3])
        columns = []
        for layer, features, stride in zip(self.from_maps, maps, self.strides, strict=True):
            column = layer(features)  # [B, column_channels, h_i, w_i]
            # A 1 x 1 convolution commutes with interpolation and is cheaper before it.
            factor = float(stride // self.strides[0])
            column = F.interpolate(column, scale_factor=factor, mode="bilinear")
            columns.append(fitted(column, size, centred=False))  # [B, column_channels, h, w]
        return torch.cat(columns, dim=1)

    def classify(self, columns: Tensor) -> Tensor:
        """Interpolated scores [B, C, h, w] of hypercolumns [B, column_dim, h, w]."""
        K = self.grid_size
        scores = self.classifiers(columns).unflatten(1, (K * K, -1))  # [B, K * K, C, h, w]
        if K == 1:
            return scores.squeeze(1)
        cells = torch.eye(K * K, device=columns.device, dtype=columns.dtype).view(1, K * K, K, K)
        alpha = F.interpolate(cells, size=columns.shape[2:], mode="bilinear")  # [1, K * K, h, w]
        return (alpha.unsqueeze(2) * scores).sum(dim=1)  # [B, C, h, w]
