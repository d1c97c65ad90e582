"""An encoder that pools with switches, and the decoder that is its mirror image."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from seqlab.components.backbones.weights import WeightsError, read_state_dict
from seqlab.components.layers.convolution import normalised_convolution
from seqlab.components.layers.unpooling import Pooled, pool, unpool

# Of the images that VGG's weights were trained with.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

VGG_ADVICE = (
    "set model.weights to a .safetensors or .pth file with the state dict of a VGG of these widths "
    "and depths, of timm or of torchvision, or to null"
)


class SwitchedEncoder(nn.Module):
    """Stages of 3 x 3 convolutions and a pooling, as in VGG (Simonyan and Zisserman, 2015).

    Every convolution is followed by batch normalisation and a ReLU.

    Args:
        widths: channels of each stage; [64, 128, 256, 512, 512] in VGG16.
        depths: convolutions of each stage; [2, 2, 3, 3, 3] in VGG16.

    Raises:
        ValueError: there is no stage, or one has no convolution.
    """

    def __init__(self, *, widths: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__()
        if not widths or len(widths) != len(depths) or min(depths) < 1:
            raise ValueError(
                "widths and depths name as many stages, each of at least one convolution; they are "
                f"{list(widths)} and {list(depths)}"
            )
        self.stages = nn.ModuleList(
            _stage([before] + [width] * depth)
            for before, width, depth in zip((3, *widths), widths, depths, strict=False)
        ).to(memory_format=torch.channels_last)
        self.register_buffer("_mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("_std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> list[Pooled]:
        """What each stage pools, of images [B, 3, height, width] with values in [0, 1]."""
        features = (images - self._mean) / self._std  # [B, 3, height, width]
        features = features.contiguous(memory_format=torch.channels_last)
        pooled = []
        for stage in self.stages:
            pooled.append(pool(stage(features)))
            features = pooled[-1].values  # [B, widths[i], height / 2^(i + 1), width / 2^(i + 1)]
        return pooled

    def load_vgg(self, path: Path) -> None:
        """Start from the convolutions of a VGG, and from its batch normalisation where it has one.

        What a convolution adds to its output, which those of this encoder leave to the
        normalisation, goes there, so that the outputs are those of the VGG.

        Raises:
            WeightsError: the file cannot be read, or is none of a VGG of these sizes.
        """
        state_dict = read_state_dict(path, VGG_ADVICE)
        layers: dict[int, dict[str, Tensor]] = {}
        for name, tensor in state_dict.items():
            group, _, rest = name.partition(".")
            index, _, field = rest.partition(".")
            if group == "features" and index.isdigit():
                layers.setdefault(int(index), {})[field] = tensor
        found = [layers[index] for index in sorted(layers)]
        is_norm = ["running_mean" in layer for layer in found]
        norms = [layer for layer, norm in zip(found, is_norm, strict=True) if norm]
        convolutions = [layer for layer, norm in zip(found, is_norm, strict=True) if not norm]
        own = [module for module in self.modules() if isinstance(module, nn.Conv2d)]
        given = [list(layer["weight"].shape) for layer in convolutions if "weight" in layer]
        wanted = [list(module.weight.shape) for module in own]
        if given != wanted or len(norms) not in (0, len(own)):
            raise WeightsError(
                f"{path} does not fit this architecture: its convolutions are {given or 'none'}, "
                f"with {len(norms)} batch normalisations, instead of {wanted}; {VGG_ADVICE}"
            )
        own_norms = [module for module in self.modules() if isinstance(module, nn.BatchNorm2d)]
        with torch.no_grad():
            for index, (convolution, norm) in enumerate(zip(own, own_norms, strict=True)):
                _copy(convolution, norm, convolutions[index], norms[index] if norms else None)


class SwitchedDecoder(nn.Module):
    """Unpools and convolves, stage by stage in the reverse order of an encoder; Noh et al. (2015).

    The last convolution of a stage gives as many channels as the encoder's stage before it. With
    stride 1 a transposed convolution is a convolution with the kernel turned around, so that these
    are the deconvolutions of the paper too.

    Args:
        widths: channels of each stage of the encoder.
        depths: convolutions of each stage, in the order of the encoder's; the first may have none.
    """

    def __init__(self, *, widths: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__()
        narrower = (widths[0], *widths[:-1])
        self.stages = nn.ModuleList(
            _stage([width] * depth + [last])
            for width, depth, last in zip(widths, depths, narrower, strict=True)
        ).to(memory_format=torch.channels_last)

    def forward(self, features: Tensor, pooled: Sequence[Pooled]) -> Tensor:
        """Features [B, widths[0], height, width] of features as large as the last maxima."""
        for stage, switches in zip(reversed(self.stages), reversed(pooled), strict=True):
            features = stage(unpool(features, switches))  # [B, widths[i - 1], 2h, 2w]
        return features


def _stage(channels: Sequence[int]) -> nn.Sequential:
    """Convolutions from each number of channels to the next."""
    modules: list[nn.Module] = []
    for before, after in pairwise(channels):
        modules += normalised_convolution(before, after, kernel_size=3)
    return nn.Sequential(*modules)


def _copy(
    convolution: nn.Conv2d,
    norm: nn.BatchNorm2d,
    layer: dict[str, Tensor],
    layer_norm: dict[str, Tensor] | None,
) -> None:
    """One convolution of a VGG and what follows it."""
    convolution.weight.copy_(layer["weight"])
    bias = layer.get("bias", torch.zeros(len(layer["weight"])))  # [D]
    if layer_norm is None:
        norm.bias.copy_(bias)  # beside the mean 0 and the variance 1 of one that saw nothing
        norm.running_var.fill_(1 - norm.eps)
        return
    norm.weight.copy_(layer_norm["weight"])
    norm.bias.copy_(layer_norm["bias"])
    norm.running_mean.copy_(layer_norm["running_mean"] - bias)
    norm.running_var.copy_(layer_norm["running_var"])
