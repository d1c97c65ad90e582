"""SegNet: an encoder and its mirror image, which knows where each maximum was."""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from seqlab.components.layers.borders import whole_strides
from seqlab.components.layers.mirrored import SwitchedDecoder, SwitchedEncoder
from seqlab.models.interfaces import SegmentationModel, Segmented


class SegNet(SegmentationModel):
    """SegNet; Badrinarayanan et al. (2017), section 3.

    DeconvNet without what is between encoder and decoder. The last convolution scores the classes.
    VGG16 and the sizes of the paper: widths=[64,128,256,512,512], depths=[2,2,3,3,3].

    Args:
        num_classes: number C of classes.
        widths: channels of each stage of the encoder.
        depths: convolutions of each stage.
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
        weights: str | None,
    ) -> None:
        super().__init__()
        self.stride = 2 ** len(widths)
        self.encoder = SwitchedEncoder(widths=widths, depths=depths)
        self.decoder = SwitchedDecoder(widths=widths, depths=(depths[0] - 1, *depths[1:]))
        self.score = nn.Conv2d(widths[0], num_classes, 3, padding=1)
        if weights is not None:
            self.encoder.load_vgg(Path(weights).expanduser())

    def forward(self, images: Tensor) -> Segmented:
        """Scores of images [B, 3, height, width] with values in [0, 1], of any size."""
        height, width = images.shape[2:]
        pooled = self.encoder(whole_strides(images, self.stride))
        features = self.decoder(pooled[-1].values, pooled)  # [B, widths[0], height', width']
        logits = self.score(features)[:, :, :height, :width]  # [B, C, height, width]
        return Segmented(logits)
