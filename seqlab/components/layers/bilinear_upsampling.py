"""Upsampling by a transposed convolution that starts as bilinear interpolation."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.components.layers.borders import fitted


class BilinearUpsampling(nn.Module):
    """Transposed convolution from bilinear weights; Long et al. (2015), sections 3.3 and 4.3.

    The kernel from a channel to itself is f f^T with f_i = 1 - |i - centre| / factor, and 0 between
    two channels, so that it starts as bilinear interpolation. Beyond the border a map goes on with
    the values of its border; that of the published code fades to 0, on images padded by 100 pixels.

    Args:
        channels: C of the map that is read and of the one that is given.
        factor: how many times as high and wide the map becomes.
        learned: whether the weights are trained. Those that are not are not kept either: the same
            is computed by interpolation, many times faster.

    Raises:
        ValueError: the factor is below 1.
    """

    def __init__(self, *, channels: int, factor: int, learned: bool) -> None:
        super().__init__()
        if factor < 1:
            raise ValueError(f"a map becomes 1 or more times as large, not {factor}")
        self.factor = factor
        kernel = bilinear_kernel(factor)  # [k, k]
        weight = torch.eye(channels).view(channels, channels, 1, 1) * kernel  # [C, C, k, k]
        self.weight = nn.Parameter(weight) if learned else None

    def forward(self, maps: Tensor) -> Tensor:
        """Maps [B, C, factor * h, factor * w] of maps [B, C, h, w]."""
        if self.weight is None:
            return F.interpolate(maps, scale_factor=float(self.factor), mode="bilinear")
        height, width = maps.shape[2:]
        maps = fitted(maps, (height + 2, width + 2), centred=True)  # [B, C, h + 2, w + 2]
        # What lies outside the map is cut off again: `factor` pixels of each continued location.
        padding = (self.weight.shape[2] - self.factor) // 2 + self.factor
        return F.conv_transpose2d(maps, self.weight, stride=self.factor, padding=padding)


def bilinear_kernel(factor: int) -> Tensor:
    """Weights [k, k] with k = 2 factor - factor mod 2 by which a location counts around itself."""
    size = 2 * factor - factor % 2
    distance = (torch.arange(size) - (size - 1) / 2).abs()  # [k], in pixels
    line = 1 - distance / factor  # [k]
    return line.unsqueeze(1) * line  # [k, k]
