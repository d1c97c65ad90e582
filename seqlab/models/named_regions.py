"""From scored regions to the objects that are named: what both kinds of models end with."""

import torch
from torch import Tensor
from torch.nn import functional as F

from seqlab.components.regions.boxes import mask_overlaps, tight_boxes
from seqlab.components.regions.suppression import suppress
from seqlab.models.interfaces import Detections


def classified(logits: Tensor, classes: Tensor, sampled: Tensor) -> Tensor:
    """Mean cross-entropy [B] over the regions of each image that are trained on.

    Args:
        logits: [B, N, C + 1], the background last.
        classes: [B, N], C for the background.
        sampled: which count, [B, N].
    """
    nll = F.cross_entropy(logits.transpose(1, 2), classes, reduction="none")  # [B, N]
    return (nll * sampled).sum(dim=1) / sampled.sum(dim=1).clamp_min(1)


def best_of(
    logits: Tensor, masks: Tensor, *, overlap: float, least_score: float, most: int
) -> Detections:
    """Regions whose class is surest, without those whose mask overlaps a surer one's of the class.

    The boxes are the smallest around the masks.

    Args:
        logits: [B, N, C + 1], the background last.
        masks: [B, N, height, width].
        overlap: intersection over union of masks above which the lesser is left out.
        least_score: below which a region is no object.
        most: objects of an image.
    """
    scores, labels = logits.softmax(dim=2)[..., :-1].max(dim=2)  # [B, N]
    possible = (scores >= least_score) & masks.flatten(2).any(dim=2)  # [B, N]
    labels = torch.where(possible, labels, -1)
    kept = suppress(mask_overlaps(masks, masks), scores, labels, overlap)  # [B, N]
    ranked, order = (scores * kept).topk(min(most, scores.shape[1]), dim=1)  # [B, N']
    real = kept.gather(1, order)
    longest = max(1, int(real.sum(dim=1).max()))
    order, real, ranked = order[:, :longest], real[:, :longest], ranked[:, :longest]
    each = torch.arange(len(order), device=order.device)[:, None]  # [B, 1]
    found = masks[each, order] & real[:, :, None, None]  # [B, N', height, width]
    chosen = torch.where(real, labels.gather(1, order), -1)
    return Detections(tight_boxes(found), chosen, ranked * real, found)
