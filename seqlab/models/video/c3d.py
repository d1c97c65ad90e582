"""C3D and the networks that led to it: kernels over space and time in all layers."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from seqlab.components.video.stages import (
    centred,
    channels_last,
    class_scores,
    max_pool,
    output_size,
    rectified_convolution,
    rectified_linear,
    run_stages,
)
from seqlab.models.interfaces import VideoClassifier

CHANGING_DEPTHS = {"increasing": (3, 3, 5, 5, 7), "decreasing": (7, 5, 5, 3, 3)}


class C3D(VideoClassifier):
    """Convolutions over time and space, five pools and two layers of units; Tran et al. (2015).

    With one or two convolutions a stage as in section 3.3 it is C3D; with one in each, the network
    with which section 3.2 looks for the best depth of a kernel in time. The first pool is of space
    alone, so that what moves is not merged early.

    Layers are `conv1a`, `conv2a` and so on, `pool1` to `pool5`, `fc6`, `fc7` and `scores`; what a
    convolution, fc6 or fc7 gives is rectified.

    Args:
        num_classes: number C of classes.
        num_frames: frames T of a clip, 16 in the paper.
        height: of a frame in pixels, 112 in the paper.
        width: of a frame in pixels, 112 in the paper.
        widths: channels of each of the five stages.
        depths: convolutions of each stage; [1, 1, 2, 2, 2] in C3D.
        temporal_depth: frames of each kernel, 3 in C3D, or `increasing` for 3, 3, 5, 5, 7 in the
            stages, or `decreasing` for 7, 5, 5, 3, 3.
        fc_size: units of fc6 and of fc7.
        dropout: probability with which a unit of them is dropped.
        batch_norm: whether each convolution is followed by batch normalisation, which the paper has
            not.
        checkpointing: whether training keeps only what each stage reads, to save memory.

    Raises:
        ValueError: widths or depths are not of five stages, or a depth is none.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        num_frames: int,
        height: int,
        width: int,
        widths: Sequence[int],
        depths: Sequence[int],
        temporal_depth: int | Literal["increasing", "decreasing"],
        fc_size: int,
        dropout: float,
        batch_norm: bool,
        checkpointing: bool,
    ) -> None:
        super().__init__()
        if len(widths) != 5 or len(depths) != 5 or min(depths) < 1:
            raise ValueError(
                "widths and depths name five stages, each of at least one convolution; they are "
                f"{list(widths)} and {list(depths)}"
            )
        self.checkpointing = checkpointing
        self.stage_names: list[list[str]] = []
        before = 3
        kernels = _temporal_kernels(temporal_depth)
        for number, (channels, depth, frames) in enumerate(
            zip(widths, depths, kernels, strict=True), start=1
        ):
            names = [f"conv{number}{chr(ord('a') + index)}" for index in range(depth)]
            for name in names:
                size = (frames, 3, 3)
                layer = rectified_convolution(before, channels, size, batch_norm=batch_norm)
                self.add_module(name, layer)
                before = channels
            self.add_module(f"pool{number}", max_pool((1, 2, 2) if number == 1 else (2, 2, 2)))
            self.stage_names.append([*names, f"pool{number}"])
        layers = list(self.trunk().values())
        channels, frames, rows, columns = output_size(layers, (3, num_frames, height, width))
        self.fc6 = rectified_linear(channels * frames * rows * columns, fc_size)
        self.fc7 = rectified_linear(fc_size, fc_size)
        self.scores = class_scores(fc_size, num_classes)
        self.dropout = nn.Dropout(dropout)
        channels_last(self)

    def trunk(self) -> dict[str, nn.Module]:
        """The layers up to the last pool, by name, in the order in which they run."""
        return {name: self.get_submodule(name) for stage in self.stage_names for name in stage}

    def forward(self, clips: Tensor) -> Tensor:
        """Unnormalised scores [B, C] of clips [B, 3, T, height, width] with values in [0, 1]."""
        stages = [[self.get_submodule(name) for name in stage] for stage in self.stage_names]
        features = run_stages(stages, centred(clips), self.checkpointing)  # [B, D, T', h, w]
        hidden = self.dropout(self.fc6(features.flatten(1)))  # [B, H]
        hidden = self.dropout(self.fc7(hidden))  # [B, H]
        return self.scores(hidden)  # [B, C]


def _temporal_kernels(temporal_depth: int | str) -> Sequence[int]:
    """Frames of the kernels of each stage."""
    if isinstance(temporal_depth, int):
        return [temporal_depth] * 5
    if temporal_depth not in CHANGING_DEPTHS:
        known = ", ".join(CHANGING_DEPTHS)
        raise ValueError(f"temporal_depth is a number or one of {known}, not {temporal_depth}")
    return CHANGING_DEPTHS[temporal_depth]
