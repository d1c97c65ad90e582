"""A region proposal network: where there is something, whatever it is."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.components.regions.boxes import (
    anchor_boxes,
    box_overlaps,
    clip,
    decode,
    encode,
)
from seqlab.components.regions.sampling import by_chance
from seqlab.components.regions.suppression import suppress

PRESELECTED = 4  # times as many boxes as are proposed take part in the suppression


class RegionProposals(nn.Module):
    """Scores and moves anchors of several sizes and shapes; Ren et al. (2015), section 3.1.

    Args:
        channels: depth D of the map that is read.
        stride: pixels of the image per location of the map.
        scales: square roots of the areas of the anchors, in pixels.
        ratios: heights over widths of the anchors.
        num_proposals: N, how many boxes are proposed.
        overlap: intersection over union above which the lesser of two boxes is left out.
        positive: overlap with an object from which an anchor is one; the best of each object is
            one too.
        negative: overlap with all objects below which an anchor is none.
        num_sampled: anchors of an image that are trained on, at most half of them objects.
    """

    def __init__(
        self,
        *,
        channels: int,
        stride: int,
        scales: Sequence[float],
        ratios: Sequence[float],
        num_proposals: int,
        overlap: float,
        positive: float,
        negative: float,
        num_sampled: int,
    ) -> None:
        super().__init__()
        self.stride, self.scales, self.ratios = stride, tuple(scales), tuple(ratios)
        self.num_proposals, self.overlap = num_proposals, overlap
        self.positive, self.negative, self.num_sampled = positive, negative, num_sampled
        num_anchors = len(self.scales) * len(self.ratios)
        self.hidden = nn.Conv2d(channels, channels, 3, padding=1)
        self.objectness = nn.Conv2d(channels, num_anchors, 1)
        self.steps = nn.Conv2d(channels, 4 * num_anchors, 1)
        nn.init.kaiming_normal_(self.hidden.weight, nonlinearity="relu")
        for layer in (self.objectness, self.steps):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits [B, h w A], boxes [B, h w A, 4] in pixels and anchors [h w A, 4].

        Args:
            features: [B, D, h, w].
        """
        size = (features.shape[2], features.shape[3])
        hidden = F.relu(self.hidden(features))  # [B, D, h, w]
        logits = self.objectness(hidden).permute(0, 2, 3, 1).flatten(1)  # [B, h w A]
        steps = self.steps(hidden).permute(0, 2, 3, 1).reshape(len(features), -1, 4)
        anchors = anchor_boxes(size, self.stride, self.scales, self.ratios, features.device)
        anchors = anchors.reshape(-1, 4)  # [h w A, 4]
        return logits, decode(steps, anchors), anchors

    def propose(self, logits: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
        """The best boxes [B, N, 4] that do not overlap much, cut off at the border of the image.

        Where suppression leaves fewer, the best of those left out fill up. The boxes have a
        gradient.

        Args:
            logits: [B, h w A].
            boxes: [B, h w A, 4].
            size: height and width of the images.
        """
        count = min(self.num_proposals, logits.shape[1])
        most = min(PRESELECTED * count, logits.shape[1])
        scores, best = logits.detach().topk(most, dim=1)  # [B, most]
        chosen = clip(boxes.gather(1, best[..., None].expand(-1, -1, 4)), *size)  # [B, most, 4]
        fixed = chosen.detach()
        same = torch.zeros_like(best)
        kept = suppress(box_overlaps(fixed, fixed), scores, same, self.overlap)  # [B, most]
        order = (~kept).long().argsort(dim=1, stable=True)[:, :count]  # those kept, best first
        return chosen.gather(1, order[..., None].expand(-1, -1, 4))  # [B, N, 4]

    def loss(
        self, logits: Tensor, boxes: Tensor, anchors: Tensor, true: Tensor, real: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Losses of scores and of boxes, each [B]; Ren et al. (2015), equation 1.

        Args:
            logits: [B, h w A].
            boxes: [B, h w A, 4].
            anchors: [h w A, 4].
            true: boxes of the objects, [B, M, 4].
            real: which of them are objects, [B, M].
        """
        overlaps = box_overlaps(anchors, true) * real[:, None]  # [B, h w A, M]
        best, matched = overlaps.max(dim=2)  # [B, h w A]
        highest = overlaps.amax(dim=1, keepdim=True).clamp_min(1e-6)  # [B, 1, M]
        positive = (best >= self.positive) | (overlaps >= highest).any(dim=2)  # [B, h w A]
        negative = (best < self.negative) & ~positive
        positive = by_chance(positive, self.num_sampled // 2)
        wanted = self.num_sampled - positive.sum(dim=1)  # [B]
        sampled = positive | by_chance(negative, wanted)  # [B, h w A]
        nll = F.binary_cross_entropy_with_logits(logits, positive.float(), reduction="none")
        count = sampled.sum(dim=1).clamp_min(1)  # [B]
        scores = (nll * sampled).sum(dim=1) / count  # [B]
        targets = true.gather(1, matched[..., None].expand(-1, -1, 4))  # [B, h w A, 4]
        losses = box_loss(boxes, targets, anchors.expand_as(boxes), positive)  # [B, h w A]
        return scores, losses.sum(dim=1) / positive.sum(dim=1).clamp_min(1)


def box_loss(boxes: Tensor, targets: Tensor, anchors: Tensor, counted: Tensor) -> Tensor:
    """Smooth L1 of Girshick (2015), equation 3, between encoded boxes [..., 4]; 0 elsewhere.

    Args:
        boxes: what was said, of some area where it counts.
        targets: what is true, of some area where it counts.
        anchors: from which both are told.
        counted: which boxes count, [...].
    """
    # Where it does not count a target may be empty, and the logarithm of nothing has no gradient.
    usable = torch.where(counted[..., None], targets, anchors)
    said = torch.where(counted[..., None], boxes, anchors)
    apart = F.smooth_l1_loss(
        encode(said, anchors), encode(usable, anchors), reduction="none", beta=1 / 9
    )  # [..., 4]
    return apart.sum(dim=-1) * counted
