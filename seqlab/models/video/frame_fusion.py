"""Slow and late fusion: an image network in which frames come together layer by layer, or late."""

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


class FrameFusion(VideoClassifier):
    """An image network whose layers may reach over frames; Karpathy et al. (2014), section 3.1.

    Slow fusion: the first layer reads 4 frames in steps of 2, the second and the third 2 each in
    steps of 2, so that the third has seen 10 frames; of longer clips it has several answers, all of
    which fc6 reads. Late fusion: each layer reads one frame, of the first and the last, 15 frames
    apart in the paper and in clips of 16; only fc6 can tell motion. Layers are `conv1` to `conv5`,
    `fc6`, `fc7` and `scores`.

    Args:
        num_classes: number C of classes.
        num_frames: frames T of a clip.
        height: of a frame in pixels, 170 in the paper.
        width: of a frame in pixels, 170 in the paper.
        only_ends: whether the first and the last frame are all that is read.
        frames: that each convolution reads at once.
        frame_strides: frames between the places of each.
        widths: channels of each convolution; [96, 256, 384, 384, 256] in the paper.
        kernels: height and width of each; [11, 5, 3, 3, 3] in the paper.
        first_stride: pixels between the places of the first, 3 in the paper.
        normalisation: `local` as in the paper, or `batch`.
        fc_size: units of fc6 and fc7, 4096 in the paper.
        dropout: probability with which a unit of them is dropped.
        checkpointing: whether training keeps only what each layer reads, to save memory.

    Raises:
        ValueError: lists are not of five layers, a kernel is even, clips are too small, or the
            first frame is the last.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        num_frames: int,
        height: int,
        width: int,
        only_ends: bool,
        frames: Sequence[int],
        frame_strides: Sequence[int],
        widths: Sequence[int],
        kernels: Sequence[int],
        first_stride: int,
        normalisation: Literal["local", "batch"],
        fc_size: int,
        dropout: float,
        checkpointing: bool,
    ) -> None:
        super().__init__()
        if only_ends and num_frames < 2:
            raise ValueError(f"the first and the last of {num_frames} frames are one")
        self.only_ends, self.checkpointing = only_ends, checkpointing
        layers = frame_layers(
            FrameLayers(widths, kernels, first_stride, frames, frame_strides, normalisation)
        )
        self.layer_names = list(layers)
        for name, layer in layers.items():
            self.add_module(name, layer)
        read = 2 if only_ends else num_frames
        channels, times, rows, columns = output_size(
            list(layers.values()), (3, read, height, width)
        )
        self.fc6 = rectified_linear(channels * times * rows * columns, fc_size)
        self.fc7 = rectified_linear(fc_size, fc_size)
        self.scores = class_scores(fc_size, num_classes)
        self.dropout = nn.Dropout(dropout)
        channels_last(self)

    def forward(self, clips: Tensor) -> Tensor:
        """Unnormalised scores [B, C] of clips [B, 3, T, height, width] with values in [0, 1]."""
        if self.only_ends:
            clips = torch.stack([clips[:, :, 0], clips[:, :, -1]], dim=2)
        layers = [[self.get_submodule(name)] for name in self.layer_names]
        features = run_stages(layers, centred(clips), self.checkpointing)  # [B, D, T', h, w]
        hidden = self.dropout(self.fc6(features.flatten(1)))  # [B, H]
        hidden = self.dropout(self.fc7(hidden))  # [B, H]
        return self.scores(hidden)  # [B, C]
