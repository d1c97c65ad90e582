"""The image network of Karpathy et al. (2014), whose layers may reach over frames."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal, NamedTuple

from torch import nn

DEPTH = 5  # convolutions


class FrameLayers(NamedTuple):
    """Sizes of the network, and how its convolutions reach over time."""

    widths: Sequence[int]  # channels of each convolution; 96, 256, 384, 384, 256 in the paper
    kernels: Sequence[int]  # height and width of each; 11, 5, 3, 3, 3
    first_stride: int  # pixels between the places of the first; 3
    frames: Sequence[int]  # of each kernel
    frame_strides: Sequence[int]  # frames between the places of each
    normalisation: Literal["local", "batch"]


def frame_layers(sizes: FrameLayers) -> OrderedDict[str, nn.Module]:
    """Five convolutions `conv1` to `conv5`, pools behind the first two and the last; section 3.

    In the paper's shorthand C-N-P-C-N-P-C-C-C-P, N being local response normalisation or, behind
    all convolutions, batch normalisation. Frames are not padded: a kernel sees real ones only.

    Raises:
        ValueError: the lists are not of five convolutions, or a kernel is even.
    """
    lists = (sizes.widths, sizes.kernels, sizes.frames, sizes.frame_strides)
    if any(len(each) != DEPTH for each in lists):
        raise ValueError(f"widths, kernels and frames are lists of {DEPTH}, not {lists}")
    if any(kernel % 2 == 0 for kernel in sizes.kernels):
        raise ValueError(f"kernels are odd, not {list(sizes.kernels)}")
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    before = 3
    for number, (width, kernel, frames, stride) in enumerate(zip(*lists, strict=True), start=1):
        step = sizes.first_stride if number == 1 else 1
        convolution = nn.Conv3d(
            before,
            width,
            (frames, kernel, kernel),
            stride=(stride, step, step),
            padding=(0, kernel // 2, kernel // 2),
        )
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        nn.init.zeros_(convolution.bias)
        parts: OrderedDict[str, nn.Module] = OrderedDict(convolution=convolution)
        if sizes.normalisation == "batch":
            parts["norm"] = nn.BatchNorm3d(width)
        parts["relu"] = nn.ReLU(inplace=True)
        if sizes.normalisation == "local" and number <= 2:
            parts["norm"] = nn.LocalResponseNorm(5)
        layers[f"conv{number}"] = nn.Sequential(parts)
        if number in (1, 2, DEPTH):
            layers[f"pool{number}"] = nn.MaxPool3d((1, 2, 2), ceil_mode=True)
        before = width
    return layers
