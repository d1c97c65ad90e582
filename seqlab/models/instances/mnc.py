"""Multi-task network cascades: boxes, their masks, the masks' classes, each from the one before."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.components.backbones.interface import Backbone
from seqlab.components.layers.convolution import normalised_convolution
from seqlab.components.layers.fused_maps import FusedMaps
from seqlab.components.regions.boxes import box_overlaps, clip, decode
from seqlab.components.regions.proposals import RegionProposals, box_loss
from seqlab.components.regions.warping import paste, warp
from seqlab.models.interfaces import AuxiliaryTerm, Detections, InstanceModel, Instances
from seqlab.models.named_regions import best_of, classified


class MNC(InstanceModel):
    """Finds objects in three stages that are trained together; Dai et al. (2016), sections 3 to 5.

    Stage 1 proposes boxes (Ren et al., 2015). Stage 2 warps the features of a box and gives a mask
    without a class; stage 3 multiplies the features by the mask and names the class, from the box's
    features and the masked ones. The loss is L1(B) + L2(M | B) + L3(C | B, M); since warping has a
    gradient with respect to the box, so do the later losses. With five stages, stage 3 also moves
    the box, and stages 4 and 5 are 2 and 3 once more, with their weights, on the moved box.

    Masks come from convolutions in place of the paper's two fully connected layers: fewer weights
    learn from fewer images. Duplicates are found by overlap of masks.

    Args:
        num_classes: number C of classes.
        backbone: whose maps are read.
        stride: of the finest map that is read.
        channels: D, of the map on which all stages work.
        hidden_dim: size H of the two paths of stage 3.
        warp_size: P, height and width of a box's features and of its mask; even.
        num_stages: 3 or 5.
        scales: square roots of the areas of anchors, in pixels.
        ratios: heights over widths of anchors.
        num_proposals: N, boxes that stage 1 hands on.
        proposal_overlap: intersection over union above which the lesser of two proposals is left
            out.
        positive_overlap: of a box with an object's, from which it is to be named.
        mask_overlap: of two masks of a class, above which the lesser is left out.
        least_score: below which nothing is named.
        max_objects: most objects of an image.

    Raises:
        ValueError: another number of stages, or an odd warp size.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        backbone: Backbone,
        stride: int,
        channels: int,
        hidden_dim: int,
        warp_size: int,
        num_stages: int,
        scales: Sequence[float],
        ratios: Sequence[float],
        num_proposals: int,
        proposal_overlap: float,
        positive_overlap: float,
        mask_overlap: float,
        least_score: float,
        max_objects: int,
    ) -> None:
        super().__init__()
        if num_stages not in (3, 5):
            raise ValueError(f"num_stages is 3 or 5, not {num_stages}")
        if warp_size < 2 or warp_size % 2:
            raise ValueError(f"warp_size is even, not {warp_size}")
        self.auxiliary_names = ("objectness", "box", "mask", "category")
        if num_stages == 5:
            self.auxiliary_names += ("refined_box",)
        self.num_classes, self.stride, self.warp_size = num_classes, stride, warp_size
        self.num_stages, self.positive_overlap = num_stages, positive_overlap
        self.mask_overlap, self.least_score = mask_overlap, least_score
        self.max_objects = max_objects
        self.maps = FusedMaps(backbone=backbone, stride=stride, channels=channels)
        self.proposals = RegionProposals(
            channels=channels,
            stride=stride,
            scales=scales,
            ratios=ratios,
            num_proposals=num_proposals,
            overlap=proposal_overlap,
            positive=0.6,
            negative=0.3,
            num_sampled=128,
        )
        self.to_mask = nn.Sequential(
            *normalised_convolution(channels, channels, kernel_size=3),
            *normalised_convolution(channels, channels, kernel_size=3),
            nn.Conv2d(channels, 1, 1),
        )
        flat_dim = channels * (warp_size // 2) ** 2
        self.from_box = nn.Linear(flat_dim, hidden_dim)
        self.from_masked = nn.Linear(flat_dim, hidden_dim)
        self.to_class = nn.Linear(2 * hidden_dim, num_classes + 1)  # the background last
        self.to_steps = nn.Linear(2 * hidden_dim, 4) if num_stages == 5 else None
        if self.to_steps is not None:
            nn.init.normal_(self.to_steps.weight, std=0.001)
            nn.init.zeros_(self.to_steps.bias)

    def masks_of(self, features: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Stage 2: features [B, N, D, P, P] and mask logits [B, N, P, P] of boxes [B, N, 4]."""
        warped = warp(features, boxes / self.stride, self.warp_size)  # [B, N, D, P, P]
        logits = self.to_mask(warped.flatten(0, 1)).squeeze(1)  # [B N, P, P]
        return warped, logits.unflatten(0, warped.shape[:2])

    def classes_of(self, warped: Tensor, mask_logits: Tensor) -> tuple[Tensor, Tensor | None]:
        """Stage 3: class logits [B, N, C + 1] and, with five stages, steps of the box [B, N, 4]."""
        masked = warped * mask_logits.sigmoid().unsqueeze(2)  # [B, N, D, P, P], section 3.3
        paths = []
        for layer, each in ((self.from_box, warped), (self.from_masked, masked)):
            pooled = F.max_pool2d(each.flatten(0, 1), 2).flatten(1)  # [B N, D P P / 4]
            paths.append(F.relu(layer(pooled)).unflatten(0, warped.shape[:2]))  # [B, N, H]
        joined = torch.cat(paths, dim=2)  # [B, N, 2 H]
        return self.to_class(joined), self.to_steps(joined) if self.to_steps is not None else None

    def forward(self, images: Tensor, truth: Instances) -> dict[str, AuxiliaryTerm]:
        features = self.maps(images)  # [B, D, h, w]
        real = truth.labels >= 0  # [B, M]
        logits, anchored, anchors = self.proposals(features)
        objectness, moved = self.proposals.loss(logits, anchored, anchors, truth.boxes, real)
        size = (images.shape[2], images.shape[3])
        proposed = self.proposals.propose(logits, anchored, size)  # [B, N, 4]
        # Objects themselves, so that masks and classes learn from the first step on; padding is a
        # box of one pixel, which is background.
        boxes = torch.cat([proposed, clip(truth.boxes, *size)], dim=1)  # [B, N + M, 4]
        sampled = F.pad(real, (proposed.shape[1], 0), value=True)  # [B, N + M]
        losses = {"objectness": objectness, "box": moved}
        masks, classes = moved.new_zeros(len(images)), moved.new_zeros(len(images))
        for stage in range(3, self.num_stages + 1, 2):
            matched, positive = self._match(boxes.detach(), truth, real)  # [B, N + M]
            warped, mask_logits = self.masks_of(features, boxes)
            masks = masks + self._mask_loss(mask_logits, boxes.detach(), truth, matched, positive)
            class_logits, steps = self.classes_of(warped, mask_logits)
            labels = truth.labels.gather(1, matched)  # [B, N + M]
            wanted = torch.where(positive, labels, self.num_classes)
            classes = classes + classified(class_logits, wanted, sampled)
            if steps is not None and stage == 3:
                fixed = boxes.detach()
                targets = truth.boxes.gather(1, matched[..., None].expand(-1, -1, 4))
                decoded = decode(steps, fixed)  # [B, N + M, 4]
                apart = box_loss(decoded, targets, fixed, positive)  # [B, N + M]
                losses["refined_box"] = _mean(apart, positive)
                boxes = clip(decoded, *size)
        losses |= {"mask": masks, "category": classes}
        return {name: AuxiliaryTerm(value, 1.0) for name, value in losses.items()}

    def _match(self, boxes: Tensor, truth: Instances, real: Tensor) -> tuple[Tensor, Tensor]:
        """The object that each box [B, N, 4] overlaps most, and whether it does enough, [B, N]."""
        overlaps = box_overlaps(boxes, truth.boxes) * real[:, None]  # [B, N, M]
        best, matched = overlaps.max(dim=2)  # [B, N]
        return matched, best >= self.positive_overlap

    def _mask_loss(
        self, logits: Tensor, boxes: Tensor, truth: Instances, matched: Tensor, positive: Tensor
    ) -> Tensor:
        """Cross-entropy [B] of the pixels of boxes that lie on an object."""
        image, place = positive.nonzero(as_tuple=True)  # each [R]
        objects = truth.masks[image, matched[image, place]].float()  # [R, height, width]
        chosen = boxes[image, place]  # [R, 4]
        targets = warp(objects[:, None], chosen[:, None], self.warp_size)[:, 0, 0]  # [R, P, P]
        nll = F.binary_cross_entropy_with_logits(
            logits[image, place], (targets > 0.5).float(), reduction="none"
        ).mean(dim=(1, 2))  # [R]
        count = positive.sum(dim=1).clamp_min(1)  # [B]
        return nll.new_zeros(len(boxes)).index_add(0, image, nll) / count

    def detect(self, images: Tensor) -> Detections:
        features = self.maps(images)  # [B, D, h, w]
        size = (images.shape[2], images.shape[3])
        logits, anchored, _ = self.proposals(features)
        boxes = self.proposals.propose(logits, anchored, size)  # [B, N, 4]
        warped, mask_logits = self.masks_of(features, boxes)
        class_logits, steps = self.classes_of(warped, mask_logits)
        if steps is not None:
            boxes = clip(decode(steps, boxes), *size)
            warped, mask_logits = self.masks_of(features, boxes)
            class_logits, _ = self.classes_of(warped, mask_logits)
        masks = paste(mask_logits.sigmoid(), boxes, *size) > 0.5  # [B, N, height, width]
        return best_of(
            class_logits,
            masks,
            overlap=self.mask_overlap,
            least_score=self.least_score,
            most=self.max_objects,
        )


def _mean(values: Tensor, counted: Tensor) -> Tensor:
    """Mean [B] of values [B, N] that are 0 where they do not count."""
    return values.sum(dim=1) / counted.sum(dim=1).clamp_min(1)
