"""A small convolutional network that learns generated scenes from nothing in minutes."""

from importlib.resources import as_file, files
from itertools import pairwise

import torch
from torch import Tensor, nn

from seqlab.components.backbones.fingerprint import fingerprint
from seqlab.components.backbones.interface import Backbone
from seqlab.components.backbones.weights import load_strictly, read_state_dict
from seqlab.components.layers.convolution import normalised_convolution

# Made by scripts/pretrain_small_conv.py.
PRETRAINED = files("seqlab.components.backbones") / "small_conv.safetensors"
PRETRAINED_CHANNELS = 128

_STAGE_ENDS = (3, 9, 12)  # modules up to the last of each stride; a layer is three


class SmallConv(Backbone):
    """Four convolutions with batch normalisation and ReLU; 64 x 64 pixels become 8 x 8 locations.

    Two more input channels hold each pixel's row and column, from -1 to 1 (Liu et al. 2018,
    CoordConv): captions say what is left of what, and an attention that reads one location must
    find there where it is. Kernels of 4 with stride 2 keep location i centred on the pixels 8 i to
    8 i + 7, so that attention maps lie on the image as they are drawn. A location sees 30 pixels,
    about one object: enough to name it, and too little to name it from beside it.

    Args:
        channels: depth D of the feature map, divisible by 4; the layers before it have a quarter,
            a half and a half of it.
        pretrained: whether it starts with weights that name the objects of generated scenes, as
            the networks of the papers start with weights that classify ImageNet; else at random.

    Raises:
        ValueError: the channels are none of the above, or not those of the weights.
    """

    def __init__(self, *, channels: int, pretrained: bool) -> None:
        super().__init__()
        if channels < 4 or channels % 4:
            raise ValueError(f"channels is divisible by 4, not {channels}")
        if pretrained and channels != PRETRAINED_CHANNELS:
            raise ValueError(
                f"the pretrained weights have channels={PRETRAINED_CHANNELS}, not {channels}"
            )
        self.channels = channels
        self.stride = 8
        self.frozen = False
        self.mean = (0.5, 0.5, 0.5)
        self.std = (0.5, 0.5, 0.5)
        quarter, half = channels // 4, channels // 2
        self.layers = nn.Sequential(
            *normalised_convolution(5, quarter, kernel_size=4, stride=2, padding=1),
            *normalised_convolution(quarter, half, kernel_size=4, stride=2, padding=1),
            *normalised_convolution(half, half, kernel_size=3),
            *normalised_convolution(half, channels, kernel_size=4, stride=2, padding=1),
        ).to(memory_format=torch.channels_last)
        if pretrained:
            with as_file(PRETRAINED) as path:
                state_dict = read_state_dict(path, "it comes with seqlab: install that anew")
                load_strictly(self, state_dict, ignored=(), source=str(path))

    @property
    def pyramid_channels(self) -> tuple[int, ...]:
        """A quarter, a half and all of the channels."""
        return (self.channels // 4, self.channels // 2, self.channels)

    @property
    def pyramid_strides(self) -> tuple[int, ...]:
        """2, 4 and 8 pixels."""
        return (2, 4, 8)

    def summary(self, feature_map: Tensor) -> Tensor:
        """The largest value of each feature, [B, D]: an object fills few of the locations."""
        return feature_map.amax(dim=(2, 3))  # [B, D]

    def forward(self, images: Tensor) -> Tensor:
        """Feature map [B, D, height / 8, width / 8] of images [B, 3, height, width] in [0, 1]."""
        return self.layers(self._with_positions(images))  # [B, D, h, w]

    def stages(self, images: Tensor) -> list[Tensor]:
        """What the first, the third and the fourth layer give."""
        maps, features = [], self._with_positions(images)  # [B, 5, height, width]
        for start, end in pairwise((0, *_STAGE_ENDS)):
            features = self.layers[start:end](features)  # [B, D_i, h_i, w_i]
            maps.append(features)
        return maps

    def _with_positions(self, images: Tensor) -> Tensor:
        """Normalised images with each pixel's row and column, [B, 5, height, width]."""
        mean, std = self.mean[0], self.std[0]  # the same for all colours
        batch_size, _, height, width = images.shape
        rows = torch.linspace(-1, 1, height, device=images.device, dtype=images.dtype)
        columns = torch.linspace(-1, 1, width, device=images.device, dtype=images.dtype)
        rows = rows.view(1, 1, -1, 1).expand(batch_size, 1, height, width)
        columns = columns.view(1, 1, 1, -1).expand(batch_size, 1, height, width)
        inputs = torch.cat([(images - mean) / std, rows, columns], dim=1)  # [B, 5, height, width]
        return inputs.contiguous(memory_format=torch.channels_last)

    def fingerprint(self) -> str:
        """Hash of the architecture's name, its size and its weights."""
        return fingerprint(self, {"name": "SmallConv", "channels": self.channels})
