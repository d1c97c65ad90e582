"""Late fusion: the first and the last frame, each by itself, compared at the end."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from seqlab.components.video.fused_frames import FrameLayers, frame_layers
from seqlab.components.video.stages import (
    centred,
    channels_last,
    class_scores,
    output_size,
    rectified_linear,
    run_stages,
)
from seqlab.models.interfaces import VideoClassifier

ONE_EACH = (1, 1, 1, 1, 1)  # frame, of each convolution


class LateFusion(VideoClassifier):
    """Two image networks with the same weights, merged by fc6; Karpathy et al. (2014), 3.1.

    They read the first and the last frame of a clip, 15 frames apart in the paper and in clips of
    16; neither can tell motion by itself. Layers are `conv1` to `conv5`, `fc6`, `fc7` and `scores`.

    Args:
        num_classes: number C of classes.
        num_frames: frames T of a clip, at least 2.
        height: of a frame in pixels, 170 in the paper.
        width: of a frame in pixels, 170 in the paper.
        widths: channels of each convolution; [96, 256, 384, 384, 256] in the paper.
        kernels: height and width of each; [11, 5, 3, 3, 3] in the paper.
        first_stride: pixels between the places of the first, 3 in the paper.
        normalisation: `local` as in the paper, or `batch`.
        fc_size: units of fc6 and fc7, 4096 in the paper.
        dropout: probability with which a unit of them is dropped.
        checkpointing: whether training keeps only what each layer reads, to save memory.

    Raises:
        ValueError: lists are not of five layers, a kernel is even, or there is but one frame.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        num_frames: int,
        height: int,
        width: int,
        widths: Sequence[int],
        kernels: Sequence[int],
        first_stride: int,
        normalisation: Literal["local", "batch"],
        fc_size: int,
        dropout: float,
        checkpointing: bool,
    ) -> None:
        super().__init__()
        if num_frames < 2:
            raise ValueError(f"the first and the last of {num_frames} frames are one")
        self.checkpointing = checkpointing
        layers = frame_layers(
            FrameLayers(widths, kernels, first_stride, ONE_EACH, ONE_EACH, normalisation)
        )
        self.layer_names = list(layers)
        for name, layer in layers.items():
            self.add_module(name, layer)
        channels, frames, rows, columns = output_size(list(layers.values()), (3, 2, height, width))
        self.fc6 = rectified_linear(channels * frames * rows * columns, fc_size)
        self.fc7 = rectified_linear(fc_size, fc_size)
        self.scores = class_scores(fc_size, num_classes)
        self.dropout = nn.Dropout(dropout)
        channels_last(self)

    def forward(self, clips: Tensor) -> Tensor:
        """Unnormalised scores [B, C] of clips [B, 3, T, height, width] with values in [0, 1]."""
        ends = torch.stack([clips[:, :, 0], clips[:, :, -1]], dim=2)  # [B, 3, 2, height, width]
        layers = [[self.get_submodule(name)] for name in self.layer_names]
        features = run_stages(layers, centred(ends), self.checkpointing)  # [B, D, 2, h, w]
        hidden = self.dropout(self.fc6(features.flatten(1)))  # [B, H]
        hidden = self.dropout(self.fc7(hidden))  # [B, H]
        return self.scores(hidden)  # [B, C]
