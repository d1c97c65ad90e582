"""Deconvolution network: an encoder to one vector per window, and its mirror image back."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from seqlab.components.layers.borders import fitted, whole_strides
from seqlab.components.layers.convolution import normalised_convolution
from seqlab.components.layers.mirrored import SwitchedDecoder, SwitchedEncoder
from seqlab.models.interfaces import SegmentationModel, Segmented


class DeconvNet(SegmentationModel):
    """DeconvNet; Noh et al. (2015), section 3.

    Between encoder and decoder lie fc6 and fc7 of VGG as convolutions, and the transposed
    convolution that gives the size back. In the paper, whose images are of 224 pixels, fc6 covers
    the whole map of 7 x 7 and makes one vector of it; on larger maps it makes one of each window.
    VGG16 and the sizes of the paper: widths=[64,128,256,512,512], depths=[2,2,3,3,3],
    head_channels=4096, head_kernel=7.

    Args:
        num_classes: number C of classes.
        widths: channels of each stage of the encoder.
        depths: convolutions of each stage.
        head_channels: channels of fc6 and fc7.
        head_kernel: height and width of fc6. Images are continued at the right and below where
            their maps would be smaller.
        dropout: probability with which a number behind fc6 and fc7 is dropped.
        weights: a file with the state dict of a VGG of these sizes, with batch normalisation or
            without, of timm or of torchvision, from which the encoder starts; None for none.

    Raises:
        WeightsError: the file cannot be read or does not fit.
        ValueError: widths and depths are none of an encoder.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        widths: Sequence[int],
        depths: Sequence[int],
        head_channels: int,
        head_kernel: int,
        dropout: float,
        weights: str | None,
    ) -> None:
        super().__init__()
        self.stride = 2 ** len(widths)
        self.head_kernel = head_kernel
        self.encoder = SwitchedEncoder(widths=widths, depths=depths)
        back = nn.ConvTranspose2d(head_channels, widths[-1], head_kernel, bias=False)
        nn.init.kaiming_normal_(back.weight, mode="fan_out", nonlinearity="relu")
        self.head = nn.Sequential(
            *normalised_convolution(widths[-1], head_channels, kernel_size=head_kernel, padding=0),
            nn.Dropout(dropout),
            *normalised_convolution(head_channels, head_channels, kernel_size=1),
            nn.Dropout(dropout),
            back,
            nn.BatchNorm2d(widths[-1]),
            nn.ReLU(inplace=True),
        )
        self.decoder = SwitchedDecoder(widths=widths, depths=depths)
        self.score = nn.Conv2d(widths[0], num_classes, 1)
        if weights is not None:
            self.encoder.load_vgg(Path(weights).expanduser())

    def forward(self, images: Tensor) -> Segmented:
        """Scores of images [B, 3, height, width] with values in [0, 1], of any size."""
        height, width = images.shape[2:]
        least = self.head_kernel * self.stride
        whole = fitted(images, (max(height, least), max(width, least)), centred=False)
        whole = whole_strides(whole, self.stride)  # [B, 3, height', width']
        pooled = self.encoder(whole)
        features = self.head(pooled[-1].values)  # [B, widths[-1], h, w]
        features = self.decoder(features, pooled)  # [B, widths[0], height', width']
        logits = self.score(features[:, :, :height, :width])  # [B, C, height, width]
        return Segmented(logits)
