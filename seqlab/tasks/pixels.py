"""What tasks share whose models say something of each pixel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from seqlab.config.errors import Problem, UserError
from seqlab.models.interfaces import SegmentationModel


def backbone_rate(model: SegmentationModel, factor: float) -> dict[nn.Module, float]:
    """The backbone with a rate of its own, as `rate_factors` of a task; empty where it has none.

    Args:
        model: whose backbone it is.
        factor: of the learning rate; 1 for the usual one.
    """
    return {} if factor == 1 else {model.backbone: factor}


def refuse_factor(model: SegmentationModel, factor: float) -> None:
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


def keep_statistics(model: nn.Module) -> None:
    """Have batch normalisation use the statistics that it has, and learn none of the batches."""
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.eval()


def enlarged(scores: Tensor, size: tuple[int, int]) -> Tensor:
    """Numbers [B, C, height, width] of pixels, bilinearly, of another size: [B, C, *size]."""
    if scores.shape[2:] == size:
        return scores
    return F.interpolate(scores, size=size, mode="bilinear", align_corners=False)


def as_picture(image: Tensor, size: tuple[int, int]) -> NDArray[np.float32]:
    """An image [3, height, width] in [0, 1] as a figure wants it, of another size: [*size, 3]."""
    return enlarged(image.unsqueeze(0), size)[0].permute(1, 2, 0).clamp(0, 1).cpu().numpy()
