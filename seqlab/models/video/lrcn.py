"""LRCN: an image network over each frame, and an LSTM over what it says."""

from collections.abc import Callable

from torch import Tensor, nn

from seqlab.components.backbones.interface import Backbone
from seqlab.components.recurrent.interface import RecurrentCell
from seqlab.components.recurrent.unroll import unroll
from seqlab.components.video.frames import averaged_scores, frame_vectors
from seqlab.components.video.stages import class_scores
from seqlab.models.interfaces import VideoClassifier


class LRCN(VideoClassifier):
    """Long-term recurrent convolutional network of activities; Donahue et al. (2015), section 4.

    A class is predicted at each frame; what is predicted is averaged over the frames.

    Args:
        num_classes: number C of classes.
        backbone: reads a frame.
        recurrent: remembers frames.
        hidden_dim: size H of its state, 256 in the paper.
        dropout: probability with which a number of a frame's vector or of an output is dropped.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        backbone: Backbone,
        recurrent: Callable[..., RecurrentCell],
        hidden_dim: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.cell = recurrent(input_dim=backbone.channels, hidden_dim=hidden_dim)
        self.dropout = nn.Dropout(dropout)
        self.scores = class_scores(hidden_dim, num_classes)

    def forward(self, clips: Tensor) -> Tensor:
        """Scores [B, C] of clips [B, 3, T, height, width] with values in [0, 1]."""
        vectors = self.dropout(frame_vectors(self.backbone, clips))  # [B, T, D]
        outputs, _ = unroll(self.cell, vectors, self.cell.init_state(len(clips)))  # [B, T, H]
        return averaged_scores(self.scores(self.dropout(outputs)))  # [B, C]
