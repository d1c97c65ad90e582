"""Fully convolutional network: an image classifier read at every location, refined by skips."""

from itertools import pairwise
from pathlib import Path
from typing import Literal

from torch import Tensor, nn

from seqlab.components.backbones.interface import Backbone
from seqlab.components.backbones.weights import load_strictly, read_trained_model
from seqlab.components.layers.bilinear_upsampling import BilinearUpsampling
from seqlab.components.layers.borders import fitted
from seqlab.models.interfaces import SegmentationModel, Segmented

STAGES_ADVICE = (
    "set model.weights to RUN/checkpoints/best.ckpt of a run of the same model with a coarser "
    "stride, or to null"
)


class FCN(SegmentationModel):
    """FCN-32s, 16s or 8s on any backbone; Long et al. (2015), sections 3 and 4.

    The coarsest map is scored at each location. Its scores are upsampled to the next finer map and
    those of that map are added, until the finest that is asked for; the sum is upsampled to the
    pixels at once. All layers that score start at 0, as in the published code. Of each stride the
    deepest map is read; in VGG that is one block behind the pool4 and pool3 of the paper.

    Args:
        num_classes: number C of classes.
        backbone: whose maps are scored.
        stride: of the finest map that is scored; 32, 16 or 8 in the paper.
        head_channels: channels of the two convolutions between the coarsest map and its scores, fc6
            and fc7 of VGG; None for neither.
        head_kernel: height and width of the first of them, an odd number, 7 in VGG; None without
            them.
        dropout: probability with which a number is dropped, behind each of them or, without them,
            of the coarsest map.
        learned_upsampling: which transposed convolutions are trained: `none` as in the published
            code, `inner` for all but the last as in the paper, or `all`.
        weights: a checkpoint of a run of this model with the same or a coarser stride, from which
            all but the new layers start, as the paper trains in stages; None for none.

    Raises:
        WeightsError: the checkpoint cannot be read or does not fit.
        ValueError: the backbone has no such stride, or settings exclude each other.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        backbone: Backbone,
        stride: int,
        head_channels: int | None,
        head_kernel: int | None,
        dropout: float,
        learned_upsampling: Literal["none", "inner", "all"],
        weights: str | None,
    ) -> None:
        super().__init__()
        known = backbone.pyramid_strides
        if stride not in known:
            listed = ", ".join(map(str, known))
            raise ValueError(f"stride is one of the backbone's {listed}, not {stride}")
        self.backbone = backbone
        self.strides = known[known.index(stride) :]  # of the maps that are scored, rising
        *skips, coarsest = backbone.pyramid_channels[-len(self.strides) :]
        self.head = _head(coarsest, head_channels, head_kernel, dropout)
        depths = (*skips, head_channels or coarsest)
        self.scores = nn.ModuleDict()
        for each, depth in zip(self.strides, depths, strict=True):
            self.scores[str(each)] = _silent_score(depth, num_classes)
        self.upsamplings = nn.ModuleDict()
        for coarse, fine in pairwise((*reversed(self.strides), 1)):
            is_inner = coarse != stride
            learned = learned_upsampling == "all" or (learned_upsampling == "inner" and is_inner)
            self.upsamplings[f"{coarse}to{fine}"] = BilinearUpsampling(
                channels=num_classes, factor=coarse // fine, learned=learned
            )
        if weights is not None:
            self._start_from(Path(weights).expanduser())

    def forward(self, images: Tensor) -> Segmented:
        """Scores of images [B, 3, height, width] with values in [0, 1], of any size."""
        maps = list(self.backbone.pyramid(images)[-len(self.strides) :])  # each [B, D_i, h_i, w_i]
        maps[-1] = self.head(maps[-1])  # [B, D, h, w]
        scores = [self.scores[str(s)](m) for s, m in zip(self.strides, maps, strict=True)]
        logits = scores[-1]  # [B, C, h, w]
        for index in reversed(range(len(self.strides) - 1)):
            step = f"{self.strides[index + 1]}to{self.strides[index]}"
            logits = self.upsamplings[step](logits)  # [B, C, h', w']
            size = (scores[index].shape[2], scores[index].shape[3])
            logits = scores[index] + fitted(logits, size, centred=False)  # [B, C, h_i, w_i]
        logits = self.upsamplings[f"{self.strides[0]}to1"](logits)  # [B, C, height', width']
        size = (images.shape[2], images.shape[3])
        return Segmented(fitted(logits, size, centred=False))  # [B, C, height, width]

    def _start_from(self, path: Path) -> None:
        """Load a run that scored no finer map; what it had not keeps its start."""
        found = read_trained_model(path, STAGES_ADVICE)
        new = {name for name in self.state_dict() if name.startswith("upsamplings.")}
        for stride in self.strides:
            if f"scores.{stride}.weight" not in found:
                new |= {f"scores.{stride}.weight", f"scores.{stride}.bias"}
        # Where a finer map is added, the step from the old one to the pixels is no more.
        coarser = {f"upsamplings.{stride}to1.weight" for stride in self.strides[1:]}
        load_strictly(self, found, ignored=coarser, source=str(path), new=new)


def _head(
    depth: int, channels: int | None, kernel_size: int | None, dropout: float
) -> nn.Sequential:
    """fc6 and fc7 as convolutions that keep the size of the map, or dropout alone."""
    if (channels is None) != (kernel_size is None):
        raise ValueError(
            "head_channels and head_kernel are given together or not at all, not "
            f"{channels} and {kernel_size}"
        )
    if channels is None or kernel_size is None:
        return nn.Sequential(nn.Dropout(dropout))
    if kernel_size % 2 == 0:
        raise ValueError(f"head_kernel is odd, not {kernel_size}")
    first = nn.Conv2d(depth, channels, kernel_size, padding=kernel_size // 2)
    second = nn.Conv2d(channels, channels, 1)
    for convolution in (first, second):
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        nn.init.zeros_(convolution.bias)
    return nn.Sequential(
        first,
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        second,
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
    )


def _silent_score(depth: int, num_classes: int) -> nn.Conv2d:
    """Scores of a map that say nothing before they are trained."""
    score = nn.Conv2d(depth, num_classes, 1)
    nn.init.zeros_(score.weight)
    nn.init.zeros_(score.bias)
    return score
