"""An image network, and linear scores of what it sums up."""

from torch import Tensor, nn

from seqlab.components.backbones.interface import Backbone
from seqlab.components.video.stages import class_scores
from seqlab.models.interfaces import ImageClassifier


class LinearClassifier(ImageClassifier):
    """Linear scores of a backbone's summary, as what is transferred is fine-tuned or measured.

    Args:
        num_classes: number C of classes.
        backbone: reads the image.
        dropout: probability with which a number of its summary is dropped.
    """

    def __init__(self, *, num_classes: int, backbone: Backbone, dropout: float) -> None:
        super().__init__()
        self.backbone = backbone
        self.dropout = nn.Dropout(dropout)
        self.scores = class_scores(backbone.channels, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Scores [B, C] of images [B, 3, height, width] with values in [0, 1]."""
        summary = self.backbone.summary(self.backbone(images))  # [B, D]
        return self.scores(self.dropout(summary))  # [B, C]
