"""Videos read frame by frame: each frame as a vector, and the scores of all as one."""

import math

from torch import Tensor

from seqlab.components.backbones.interface import Backbone
from seqlab.components.masking import length_mask


def frame_vectors(backbone: Backbone, clips: Tensor) -> Tensor:
    """What a network for images says of each frame, [B, T, D].

    Args:
        backbone: reads images.
        clips: [B, 3, T, height, width] with values in [0, 1].
    """
    batch_size, _, num_frames, _, _ = clips.shape
    frames = clips.transpose(1, 2).flatten(0, 1)  # [B T, 3, height, width]
    vectors = backbone.summary(backbone(frames))  # [B T, D]
    return vectors.unflatten(0, (batch_size, num_frames))  # [B, T, D]


def real_frame_vectors(backbone: Backbone, frames: Tensor, lengths: Tensor) -> Tensor:
    """What a network for images says of each frame of videos, [B, F, D]; 0 after their last.

    Padding is not looked at, so that it changes no statistics of a normalisation.

    Args:
        backbone: reads images.
        frames: [B, F, 3, height, width] with values in [0, 1].
        lengths: frames that are real, [B].
    """
    real = length_mask(lengths, frames.shape[1])  # [B, F]
    found = backbone.summary(backbone(frames[real]))  # [N, D]
    vectors = found.new_zeros(*real.shape, found.shape[1])  # [B, F, D]
    vectors[real] = found
    return vectors


def averaged_scores(logits: Tensor) -> Tensor:
    """Logarithm [B, C] of the mean over frames of the softmax of their logits [B, T, C]."""
    log_probabilities = logits.log_softmax(dim=2)  # [B, T, C]
    return log_probabilities.logsumexp(dim=1) - math.log(logits.shape[1])  # [B, C]
