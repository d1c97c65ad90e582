"""An image network over each frame by itself: what can be told without seeing motion."""

from torch import Tensor, nn

from seqlab.components.backbones.interface import Backbone
from seqlab.components.video.frames import averaged_scores, frame_vectors
from seqlab.components.video.stages import class_scores
from seqlab.models.interfaces import VideoClassifier


class FrameCNN(VideoClassifier):
    """The single-frame baseline of Karpathy et al. (2014), section 3.1, averaged over a clip.

    The order of the frames changes nothing.

    Args:
        num_classes: number C of classes.
        backbone: reads a frame.
        dropout: probability with which a number of what it says of a frame is dropped.
    """

    def __init__(self, *, num_classes: int, backbone: Backbone, dropout: float) -> None:
        super().__init__()
        self.backbone = backbone
        self.dropout = nn.Dropout(dropout)
        self.scores = class_scores(backbone.channels, num_classes)

    def forward(self, clips: Tensor) -> Tensor:
        """Scores [B, C] of clips [B, 3, T, height, width] with values in [0, 1]."""
        vectors = self.dropout(frame_vectors(self.backbone, clips))  # [B, T, D]
        return averaged_scores(self.scores(vectors))  # [B, C]
