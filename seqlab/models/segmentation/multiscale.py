"""Multi-scale network: one backbone reads an image at several scales."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.components.backbones.interface import Backbone
from seqlab.components.layers.borders import whole_strides
from seqlab.components.superpixels import library, voted
from seqlab.models.interfaces import SegmentationModel, Segmented


class MultiScale(SegmentationModel):
    """One backbone on an image pyramid, and two layers; Farabet et al. (2013), sections 3 and 4.1.

    Scale s is the image at 1 / 2^s of its size. The maps of the backbone are upsampled to that of
    the whole image, joined and classified location by location. The paper normalises each scale of
    a Laplacian pyramid in local windows; here that is left to the backbone.

    Args:
        num_classes: number C of classes.
        backbone: what reads each scale, with the same weights.
        num_scales: how many; 3 in the paper.
        hidden_dim: units H of the layer between features and scores.
        dropout: probability with which a number of that layer is dropped.
        superpixels: whether, outside of training, the pixels of a superpixel share the mean of
            their class distributions; needs scikit-image.

    Raises:
        MissingLibraryError: superpixels are asked for and scikit-image is not installed.
        ValueError: there is no scale.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        backbone: Backbone,
        num_scales: int,
        hidden_dim: int,
        dropout: float,
        superpixels: bool,
    ) -> None:
        super().__init__()
        if num_scales < 1:
            raise ValueError(f"num_scales is 1 or more, not {num_scales}")
        if superpixels:
            library()  # that it is missing is told before a day of training, not after
        self.backbone = backbone
        self.num_scales = num_scales
        self.superpixels = superpixels
        hidden = nn.Conv2d(num_scales * backbone.channels, hidden_dim, 1)
        nn.init.kaiming_normal_(hidden.weight, nonlinearity="relu")
        nn.init.zeros_(hidden.bias)
        self.classifier = nn.Sequential(
            hidden,
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Conv2d(hidden_dim, num_classes, 1),
        )

    def forward(self, images: Tensor) -> Segmented:
        """Scores of images [B, 3, height, width] with values in [0, 1], of any size."""
        height, width = images.shape[2:]
        coarsest = 2 ** (self.num_scales - 1)
        whole = whole_strides(images, coarsest * self.backbone.stride)  # [B, 3, height', width']
        finest = self.backbone.pyramid(whole)[-1]  # [B, D, h, w]
        maps = [finest]
        for scale in range(1, self.num_scales):
            smaller = F.avg_pool2d(whole, 2**scale)  # [B, 3, height' / 2^s, width' / 2^s]
            features = self.backbone.pyramid(smaller)[-1]  # [B, D, h / 2^s, w / 2^s]
            maps.append(F.interpolate(features, size=finest.shape[2:], mode="bilinear"))
        logits = self.classifier(torch.cat(maps, dim=1))  # [B, C, h, w]
        logits = F.interpolate(logits, size=whole.shape[2:], mode="bilinear")
        logits = logits[:, :, :height, :width]  # [B, C, height, width]
        if self.superpixels and not self.training:
            logits = voted(logits, images)  # [B, C, height, width]
        return Segmented(logits)
