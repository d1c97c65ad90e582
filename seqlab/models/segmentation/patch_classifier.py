"""Patch classification: what surrounds a pixel says its class, for one pixel or for all at once."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.components.layers.borders import fitted
from seqlab.components.layers.convolution import normalised_convolution
from seqlab.models.interfaces import SegmentationModel, Segmented

MEAN, STD = 0.5, 0.25


class PatchClassifier(SegmentationModel):
    """A network of patches that says the class of their centre pixel, and its reading of images.

    The baseline before fully convolutional networks, as in Farabet et al. (2013). Convolutions
    without padding alternate with 2 x 2 max pooling; a layer over the window that is left of the
    patch and one over its units make the scores. `classify` reads patches so. `forward` reads all
    patches of an image at once and gives the same: where a pooling would leave out pixels it moves
    on by one, and what follows it is dilated instead (Sermanet et al. 2014; Long et al. 2015,
    section 3.2). Images are continued beyond their border by its values.

    Args:
        num_classes: number C of classes.
        widths: channels of each convolution; a pooling follows each.
        kernel_size: height and width of their kernels.
        window: height and width of what is left of the patch behind the last pooling.
        hidden_dim: units H of the layer that reads it.
        dropout: probability with which one of them is dropped.
        stride: in evaluation, every how many pixels one is classified, a power of 2; the scores of
            those between are interpolated. 1 for all.
        training_stride: the same in training, where the scores of neighbours say little new.

    Raises:
        ValueError: there is no convolution, or a stride is not made of poolings.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        widths: Sequence[int],
        kernel_size: int,
        window: int,
        hidden_dim: int,
        dropout: float,
        stride: int,
        training_stride: int,
    ) -> None:
        super().__init__()
        possible = [2**index for index in range(len(widths) + 1)]
        for name, given in (("stride", stride), ("training_stride", training_stride)):
            if not widths or given not in possible:
                listed = ", ".join(map(str, possible))
                raise ValueError(f"with {len(widths)} poolings {name} is {listed}, not {given}")
        self.stride, self.training_stride = stride, training_stride
        self.blocks = nn.ModuleList(
            nn.Sequential(
                *normalised_convolution(before, width, kernel_size=kernel_size, padding=0)
            )
            for before, width in zip((3, *widths), widths, strict=False)
        )
        self.hidden = nn.Sequential(
            *normalised_convolution(widths[-1], hidden_dim, kernel_size=window, padding=0)
        )
        self.dropout = nn.Dropout(dropout)
        self.score = nn.Conv2d(hidden_dim, num_classes, 1)
        self.patch_size = window  # height and width P of a patch in pixels
        for _ in widths:
            self.patch_size = 2 * self.patch_size + kernel_size - 1
        self.to(memory_format=torch.channels_last)

    def classify(self, patches: Tensor) -> Tensor:
        """Scores [B, C] of the pixel (P // 2, P // 2) of patches [B, 3, P, P] in [0, 1].

        Raises:
            ValueError: the patches have another size.
        """
        if patches.shape[2:] != (self.patch_size, self.patch_size):
            size = f"{self.patch_size} x {self.patch_size}"
            raise ValueError(f"patches are {size} pixels, not {list(patches.shape[2:])}")
        return self._scores(patches, 2 ** len(self.blocks)).flatten(1)  # [B, C]

    def forward(self, images: Tensor) -> Segmented:
        """Scores of images [B, 3, height, width] with values in [0, 1], of any size."""
        stride = self.training_stride if self.training else self.stride
        lines = [-(-(size - 1) // stride) + 1 for size in images.shape[2:]]  # that are classified
        before = self.patch_size // 2
        padding = [0, 0, 0, 0]
        for axis, (count, size) in enumerate(zip(lines, images.shape[2:], strict=True)):
            reach = (count - 1) * stride + self.patch_size  # pixels that are seen
            padding[2 * (1 - axis)] = before
            padding[2 * (1 - axis) + 1] = reach - size - before
        whole = F.pad(images, padding, mode="replicate")  # [B, 3, height + ..., width + ...]
        logits = self._scores(whole, stride)  # [B, C, *lines], of every stride-th pixel
        spanned = [(count - 1) * stride + 1 for count in lines]
        logits = F.interpolate(logits, size=spanned, mode="bilinear", align_corners=True)
        size = (images.shape[2], images.shape[3])
        return Segmented(fitted(logits, size, centred=False))  # [B, C, height, width]

    def _scores(self, images: Tensor, stride: int) -> Tensor:
        """Scores of every stride-th patch of images, in both directions."""
        features = (images - MEAN) / STD  # [B, 3, height, width]
        features = features.contiguous(memory_format=torch.channels_last)
        moved, dilation = 1, 1  # pixels between two values, and values between two of a patch
        for block in self.blocks:
            features = _dilated(block, features, dilation)  # [B, D_i, h_i, w_i]
            step = 2 if moved < stride else 1
            features = F.max_pool2d(features, 2, step, dilation=dilation)  # [B, D_i, h_i', w_i']
            moved, dilation = moved * step, dilation * (2 // step)
        features = self.dropout(_dilated(self.hidden, features, dilation))  # [B, H, h, w]
        return self.score(features)


def _dilated(block: nn.Sequential, features: Tensor, dilation: int) -> Tensor:
    """A block whose convolution reads every dilation-th value."""
    convolution, *rest = block
    features = F.conv2d(features, convolution.weight, dilation=dilation)
    for module in rest:
        features = module(features)
    return features
