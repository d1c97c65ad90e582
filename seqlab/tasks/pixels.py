"""What tasks share whose models say something of each pixel."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from seqlab.config.errors import Problem, UserError
from seqlab.data.spec import Spec
from seqlab.models.interfaces import SegmentationModel
from seqlab.tasks.base import Schedule, Task


class PixelTask(Task):
    """A task whose model says something of each pixel of images.

    Args:
        model: which says it.
        spec: what the data says of itself.
        optimizer: makes an optimizer of `params`.
        schedule: how the learning rate changes.
        backbone_rate_factor: of the learning rate, for the model's backbone.
        frozen_batch_norm: whether batch normalisation is never told of the training batches; its
            scales and shifts are trained all the same.
        num_figures: how many images of an evaluation are drawn.

    Raises:
        UserError: the backbone is to have a rate of its own and there is none.
    """

    model: SegmentationModel

    def __init__(
        self,
        *,
        model: SegmentationModel,
        spec: Spec,
        optimizer: Callable[..., Optimizer],
        schedule: Schedule,
        backbone_rate_factor: float,
        frozen_batch_norm: bool,
        num_figures: int,
    ) -> None:
        super().__init__(model=model, spec=spec, optimizer=optimizer, schedule=schedule)
        _refuse_factor(model, backbone_rate_factor)
        self.backbone_rate_factor = backbone_rate_factor
        self.frozen_batch_norm = frozen_batch_norm
        self.num_figures = num_figures

    def example_ids(self, batch: Any) -> Sequence[str]:
        return batch.image_ids

    def batch_size(self, batch: Any) -> int:
        return len(batch.images)

    def rate_factors(self) -> dict[nn.Module, float]:
        if self.backbone_rate_factor == 1:
            return {}
        return {self.model.backbone: self.backbone_rate_factor}

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self.frozen_batch_norm:
            for module in self.model.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def on_fit_start(self) -> None:
        if self.device.type == "cuda":  # where convolutions are faster with the channels last
            self.model.to(memory_format=torch.channels_last)


def enlarged(scores: Tensor, size: tuple[int, int]) -> Tensor:
    """Numbers [B, C, height, width] of pixels, bilinearly, of another size: [B, C, *size]."""
    if scores.shape[2:] == size:
        return scores
    return F.interpolate(scores, size=size, mode="bilinear", align_corners=False)


def as_picture(image: Tensor, size: tuple[int, int]) -> NDArray[np.float32]:
    """An image [3, height, width] in [0, 1] as a figure wants it, of another size: [*size, 3]."""
    return enlarged(image.unsqueeze(0), size)[0].permute(1, 2, 0).clamp(0, 1).cpu().numpy()


def _refuse_factor(model: SegmentationModel, factor: float) -> None:
    """A rate of its own needs a backbone that is trained.

    Raises:
        UserError: there is none, or the factor is below 0.
    """
    backbone: Any = getattr(model, "backbone", None)
    if factor < 0:
        message = "is 0 or above"
    elif factor != 1 and backbone is None:
        message = f"{type(model).__name__} has no backbone that could have a rate of its own"
    elif factor != 1 and not any(each.requires_grad for each in backbone.parameters()):
        message = "nothing of the backbone is trained; model.backbone.train says what is"
    else:
        return
    raise UserError([Problem(key="task.backbone_rate_factor", given=str(factor), message=message)])
