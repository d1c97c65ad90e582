"""What happens around each frame of a video, beside what the frame shows by itself."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.components.backbones.weights import load_strictly, read_trained_model
from seqlab.components.masking import length_mask
from seqlab.components.video.stages import centred, channels_last, rectified_convolution


class LocalFeatures(nn.Module, ABC):
    """Gives each frame a vector of the motion around it.

    Attributes:
        channels: size D of a vector; 0 for none.
    """

    channels: int

    @abstractmethod
    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Vectors [B, F, D] of frames, 0 after a video's last.

        Args:
            frames: [B, F, 3, height, width] with values in [0, 1].
            lengths: frames that are real, [B]; what the others hold changes nothing.
        """


class NoLocalFeatures(LocalFeatures):
    """Nothing: frames are read by themselves alone."""

    channels = 0

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Vectors [B, F, 0]."""
        return frames.new_empty(*frames.shape[:2], 0)


class DenseC3D(LocalFeatures):
    """Kernels over space and time, read at each frame; Yao et al. (2015), section 3.1.

    The convolutions and pools of C3D (Tran et al., 2015) without its steps in time: a pool takes
    the larger of two frames at every frame, and the kernels behind it leave out every other one.
    So the vector of each 2^n-th frame is what C3D gives there behind n pools over time, of all
    locations the largest, and those between are what it would give of a later start. Batch
    normalisation, where there is any, counts the padding of a training batch in its statistics.

    Args:
        widths: channels of each stage.
        depths: convolutions of each stage.
        temporal_depth: frames of each kernel.
        batch_norm: whether each convolution is followed by batch normalisation.
        weights: a checkpoint of a run of c3d with these sizes, whose later stages may be more; None
            starts at random.

    Raises:
        ValueError: widths and depths are not of as many stages, or a depth is none.
        WeightsError: the weights cannot be had or do not fit.
    """

    def __init__(
        self,
        *,
        widths: Sequence[int],
        depths: Sequence[int],
        temporal_depth: int,
        batch_norm: bool,
        weights: str | None,
    ) -> None:
        super().__init__()
        if not widths or len(widths) != len(depths) or min(depths) < 1:
            raise ValueError(
                "widths and depths name the same stages, each of at least one convolution; they "
                f"are {list(widths)} and {list(depths)}"
            )
        self.channels = widths[-1]
        self.stage_names: list[list[str]] = []
        before = 3
        for number, (width, depth) in enumerate(zip(widths, depths, strict=True), start=1):
            names = [f"conv{number}{chr(ord('a') + index)}" for index in range(depth)]
            for name in names:
                layer = rectified_convolution(
                    before,
                    width,
                    (temporal_depth, 3, 3),
                    batch_norm=batch_norm,
                    time_dilation=_frames_apart(number),
                )
                self.add_module(name, layer)
                before = width
            self.stage_names.append(names)
        if weights is not None:
            self._load(Path(weights).expanduser())
        channels_last(self)

    def _load(self, path: Path) -> None:
        found = read_trained_model(path, "give the checkpoint of a run of c3d, or null for none")
        later = found.keys() - self.state_dict().keys()
        load_strictly(self, found, ignored=later, source=str(path))

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Vectors [B, F, D] of frames [B, F, 3, height, width], of which lengths [B] are real."""
        real = length_mask(lengths, frames.shape[1])[:, None, :, None, None]  # [B, 1, F, 1, 1]
        maps = centred(frames.transpose(1, 2)) * real  # [B, 3, F, height, width]
        for number, names in enumerate(self.stage_names, start=1):
            for name in names:
                maps = self.get_submodule(name)(maps) * real  # [B, C, F, h, w]
            maps = _pooled(maps, number)  # [B, C, F, h', w']
        return maps.amax(dim=(3, 4)).transpose(1, 2)  # [B, F, D]


def _frames_apart(number: int) -> int:
    """How far apart frames are that meet in a stage, counted from 1.

    Every pool before it but the first would have halved their number.
    """
    return int(2 ** max(number - 2, 0))


def _pooled(maps: Tensor, number: int) -> Tensor:
    """The pool behind a stage at every frame, of rectified maps; the first is of space alone."""
    if number > 1:
        apart = _frames_apart(number)
        later = F.pad(maps[:, :, apart:], (0, 0, 0, 0, 0, apart))  # [B, C, F, h, w]
        maps = maps.maximum(later[:, :, : maps.shape[2]])
    return F.max_pool3d(maps, (1, 2, 2), ceil_mode=True)  # [B, C, F, h', w']
