"""A video with what was said of its clips, kept to be drawn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seqlab.components.video.looking import activations, project_back, saliency
from seqlab.components.video.stages import centred
from seqlab.data.spec import ClipSpec
from seqlab.tasks.described import figure_name
from seqlab.viz.video import (
    around_grey,
    clip_figure,
    evenly,
    frame_rows,
    save_moving_picture,
)

SHOWN = 8  # frames of a row
UNITS = 3  # of a layer that are projected back
FILTERS = 12  # that are drawn


class _Clip(NamedTuple):
    start: float  # in seconds
    frames: NDArray[np.uint8]  # [T, height, width, 3]
    probabilities: NDArray[np.float64]  # [C]


class ShownVideo:
    """The clips of a video, in the order of time, and the class probabilities of each.

    Args:
        name: of the video.
        truth: name of its class; None where it is not known.
        spec: of the clips.
    """

    def __init__(self, name: str, truth: str | None, spec: ClipSpec) -> None:
        self.name, self.truth, self.spec = name, truth, spec
        self._clips: list[_Clip] = []

    @property
    def file_name(self) -> str:
        """The name as one of a file, without its ending."""
        return figure_name(self.name)

    def add(self, clip: Tensor, start: float, probabilities: Tensor) -> None:
        """One clip [3, T, height, width] that begins after so many seconds, and what was said."""
        frames = (255 * clip).round().byte().permute(1, 2, 3, 0).cpu().numpy()
        self._clips.append(_Clip(start, frames, probabilities.double().cpu().numpy()))
        self._clips.sort(key=lambda each: each.start)

    def probabilities(self) -> NDArray[np.float64]:
        """Of the classes in each clip, [N, C]."""
        return np.stack([clip.probabilities for clip in self._clips])

    def record(self) -> list[dict[str, Any]]:
        """Start, class and probability of each clip."""
        return [
            {
                "start": round(clip.start, 3),
                "answer": self.spec.classes[int(clip.probabilities.argmax())],
                "probability": round(float(clip.probabilities.max()), 4),
            }
            for clip in self._clips
        ]

    def first_clip(self) -> Tensor:
        """The first clip [1, 3, T, height, width] with values in [0, 1]."""
        frames = torch.from_numpy(self._clips[0].frames)  # [T, height, width, 3]
        return frames.permute(3, 0, 1, 2).unsqueeze(0).float() / 255

    def said_class(self) -> int:
        """The class that was said of the video."""
        return int(self.probabilities().mean(axis=0).argmax())

    def _timeline(self) -> list[tuple[float, int, int]]:
        """Time, clip and number of each frame; of a moment in two clips the later one's."""
        moments = []
        ends = [clip.start for clip in self._clips[1:]] + [np.inf]
        for number, (clip, end) in enumerate(zip(self._clips, ends, strict=True)):
            for frame in range(len(clip.frames)):
                time = clip.start + frame / self.spec.frame_rate
                if time < end - 1e-6:
                    moments.append((time, number, frame))
        return moments

    def draw(self, path: Path) -> None:
        """Frames, and the likeliest classes over time."""
        moments = self._timeline()
        clip_figure(
            np.stack([self._clips[clip].frames[frame] for _, clip, frame in moments]),
            [time for time, _, _ in moments],
            [clip.start for clip in self._clips],
            self.probabilities(),
            self.spec.classes,
            path,
            truth=self.truth,
        )

    def draw_moving(self, path: Path) -> None:
        """A GIF with the class of each clip while it is seen."""
        moments, record = self._timeline(), self.record()
        save_moving_picture(
            np.stack([self._clips[clip].frames[frame] for _, clip, frame in moments]),
            [(record[clip]["answer"], record[clip]["probability"]) for _, clip, _ in moments],
            path,
            frame_rate=self.spec.frame_rate,
        )


def draw_looks(
    model: Any, shown: ShownVideo, path: Path, with_saliency: bool, layers: Sequence[str]
) -> None:
    """What in the first clip of a video moves the class that was said, and excites units.

    Args:
        model: classifies clips; its `trunk` names layers, where some are asked for.
        shown: the video.
        path: of the PNG.
        with_saliency: whether gradients are drawn.
        layers: whose most excited units are projected back.
    """
    device = next(model.parameters()).device
    clip, said = shown.first_clip().to(device), shown.said_class()
    chosen = evenly(clip.shape[2], SHOWN)
    rows: list[tuple[str, NDArray[Any]]] = [("frames", _pictures(clip, chosen))]
    if with_saliency:
        slopes = saliency(model, clip, torch.tensor([said], device=device))  # [1, T, height, width]
        rows.append(("saliency", slopes[0, chosen].cpu().numpy()))
    with torch.no_grad():
        for name in layers:
            trunk, inputs = model.trunk(), centred(clip)
            maxima = activations(trunk, inputs, name).flatten(2).amax(dim=2)[0]  # [D]
            for unit in maxima.topk(min(UNITS, len(maxima))).indices.tolist():
                back = project_back(trunk, inputs, name, unit)  # [1, 3, T, height, width]
                rows.append((f"{name}, unit {unit}", around_grey(_pictures(back, chosen))))
    frame_rows(rows, path, title=f"{shown.name}: {shown.spec.classes[said]}")


def draw_filters(model: nn.Module, path: Path) -> bool:
    """The first filters over time, a column each; whether there are any."""
    kernels = next((p for p in model.parameters() if p.dim() == 5 and p.shape[1] == 3), None)
    if kernels is None:
        return False
    filters = kernels.detach()[:FILTERS].permute(2, 0, 3, 4, 1).cpu().numpy()  # [t, D, h, w, 3]
    each = np.stack([around_grey(filters[:, index]) for index in range(filters.shape[1])], axis=1)
    rows = [(f"frame {number}", frames) for number, frames in enumerate(each, start=1)]
    frame_rows(rows, path, title="first filters over time")
    return True


def _pictures(clip: Tensor, chosen: list[int]) -> NDArray[Any]:
    """Some frames of a clip [1, 3, T, height, width], [F, height, width, 3]."""
    return clip[0][:, chosen].permute(1, 2, 3, 0).cpu().numpy()
