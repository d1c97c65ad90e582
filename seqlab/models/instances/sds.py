"""Simultaneous detection and segmentation: which of many segments are objects, refined."""

import copy
import hashlib

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.components.backbones.interface import Backbone
from seqlab.components.regions.boxes import clip, mask_overlaps, tight_boxes
from seqlab.components.regions.grouping import Segments, grouped
from seqlab.components.regions.sampling import by_chance
from seqlab.components.regions.warping import paste, warp
from seqlab.models.interfaces import AuxiliaryTerm, Detections, InstanceModel, Instances
from seqlab.models.named_regions import best_of, classified

CONTEXT = 1.15  # times the sides of a segment's box, of which a crop is taken


class SDS(InstanceModel):
    """Classifies segments and refines them; Hariharan et al. (2014), section 3.

    Segments come from joined superpixels, where the paper takes MCG; see
    `seqlab.components.regions.grouping`. Two networks see the crop of each: one the box, the other
    the segment alone, on the mean colour (section 3.2, C: trained together). A linear layer names
    the class from both, where the paper trains support vector machines. Of the class named a coarse
    mask is predicted on a grid on the box, and the superpixels are kept on which it and the segment
    together say so (section 3.4).

    Args:
        num_classes: number C of classes.
        backbone: of the box; a copy of it, with the same weights, is of the segment.
        crop_size: height and width of a crop in pixels; a multiple of the backbone's stride.
        hidden_dim: size H of what either network says.
        grid_size: G, of the coarse mask.
        refine: whether segments are refined.
        num_sampled: segments of an image that are trained on, at most half of them objects.
        positive_overlap: of a segment with an object, from which it is to be named.
        least_size: share of the image that a segment has at least.
        greatest_size: share that it has at most.
        mask_overlap: of two masks of a class, above which the lesser is left out.
        least_score: below which nothing is named.
        max_objects: most objects of an image.
        cached_images: of how many images segments are held in memory; mirrored ones count anew.

    Raises:
        ValueError: the crop is no multiple of the backbone's stride.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        backbone: Backbone,
        crop_size: int,
        hidden_dim: int,
        grid_size: int,
        refine: bool,
        num_sampled: int,
        positive_overlap: float,
        least_size: float,
        greatest_size: float,
        mask_overlap: float,
        least_score: float,
        max_objects: int,
        cached_images: int,
    ) -> None:
        super().__init__()
        if crop_size < 1 or crop_size % backbone.stride:
            stride = backbone.stride
            raise ValueError(f"crop_size is a multiple of the stride {stride}, not {crop_size}")
        self.auxiliary_names = ("category", "mask") if refine else ("category",)
        self.num_classes, self.crop_size, self.grid_size = num_classes, crop_size, grid_size
        self.refine, self.num_sampled = refine, num_sampled
        self.positive_overlap = positive_overlap
        self.least_size, self.greatest_size = least_size, greatest_size
        self.mask_overlap, self.least_score = mask_overlap, least_score
        self.max_objects, self.cached_images = max_objects, cached_images
        self.box_backbone, self.segment_backbone = backbone, copy.deepcopy(backbone)
        flat_dim = backbone.channels * (crop_size // backbone.stride) ** 2
        self.from_box = nn.Linear(flat_dim, hidden_dim)
        self.from_segment = nn.Linear(flat_dim, hidden_dim)
        self.to_class = nn.Linear(2 * hidden_dim, num_classes + 1)  # the background last
        self.to_grid = nn.Linear(2 * hidden_dim, num_classes * grid_size**2)
        mean = torch.tensor(backbone.mean)[:, None, None]  # [3, 1, 1]
        self.register_buffer("mean", mean, persistent=False)
        self.mean: Tensor
        self._cache: dict[bytes, Segments] = {}

    def segments(self, images: Tensor) -> list[Segments]:
        """Segments of each image, computed once for each and held in memory."""
        found = []
        for image in images:
            key = hashlib.sha256(image.cpu().numpy().tobytes()).digest()
            if key not in self._cache:
                if len(self._cache) >= self.cached_images:
                    self._cache.clear()
                made = grouped(image, least=self.least_size, greatest=self.greatest_size)
                self._cache[key] = made
            found.append(self._cache[key])
        return found

    def _boxes(self, masks: Tensor) -> Tensor:
        """What is cropped of each of masks [B, N, height, width], [B, N, 4]."""
        boxes = tight_boxes(masks)  # [B, N, 4]
        half = (boxes[..., 2:] - boxes[..., :2]) * CONTEXT / 2  # [B, N, 2]
        middles = (boxes[..., 2:] + boxes[..., :2]) / 2  # [B, N, 2]
        around = torch.cat([middles - half, middles + half], dim=-1)
        return clip(around, masks.shape[-2], masks.shape[-1])

    def read(self, images: Tensor, masks: Tensor, boxes: Tensor) -> Tensor:
        """What both networks say of segments, [B, N, 2 H].

        Args:
            images: [B, 3, height, width].
            masks: of the segments, [B, N, height, width].
            boxes: that are cropped, [B, N, 4].
        """
        crops = warp(images, boxes, self.crop_size).flatten(0, 1)  # [B N, 3, P, P]
        ours = masks.flatten(0, 1)[:, None].float()  # [B N, 1, height, width]
        inside = warp(ours, boxes.flatten(0, 1)[:, None], self.crop_size)[:, 0]  # [B N, 1, P, P]
        alone = crops * inside + self.mean * (1 - inside)  # [B N, 3, P, P]
        box = F.relu(self.from_box(self.box_backbone(crops).flatten(1)))  # [B N, H]
        segment = F.relu(self.from_segment(self.segment_backbone(alone).flatten(1)))  # [B N, H]
        return torch.cat([box, segment], dim=1).unflatten(0, masks.shape[:2])

    def forward(self, images: Tensor, truth: Instances) -> dict[str, AuxiliaryTerm]:
        real = truth.labels >= 0  # [B, M]
        masks, proposed = _stack(self.segments(images), images)  # [B, P, height, width], [B, P]
        # Objects themselves are trained on too, as in section 3.2.
        masks = torch.cat([masks, truth.masks], dim=1)  # [B, P + M, height, width]
        proposed = torch.cat([proposed, real], dim=1)  # [B, P + M]
        overlaps = mask_overlaps(masks, truth.masks) * real[:, None]  # [B, P + M, M]
        best, matched = overlaps.max(dim=2)  # [B, P + M]
        positive = proposed & (best >= self.positive_overlap)
        positive = by_chance(positive, self.num_sampled // 2)
        negative = proposed & (best < self.positive_overlap)
        sampled = positive | by_chance(negative, self.num_sampled - positive.sum(dim=1))
        order = sampled.long().argsort(dim=1, descending=True, stable=True)[:, : self.num_sampled]
        each = torch.arange(len(images), device=images.device)[:, None]  # [B, 1]
        masks, sampled, positive = masks[each, order], sampled[each, order], positive[each, order]
        matched = matched[each, order]  # [B, S]
        boxes = self._boxes(masks)  # [B, S, 4]
        said = self.read(images, masks, boxes)  # [B, S, 2 H]
        labels = truth.labels[each, matched]  # [B, S]
        wanted = torch.where(positive, labels, self.num_classes)
        losses = {"category": classified(self.to_class(said), wanted, sampled)}
        if self.refine:
            image, place = positive.nonzero(as_tuple=True)  # each [R]
            objects = truth.masks[image, matched[image, place]].float()  # [R, height, width]
            targets = warp(objects[:, None], boxes[image, place][:, None], self.grid_size)
            logits = self._grid(said[image, place], labels[image, place])  # [R, G, G]
            nll = F.binary_cross_entropy_with_logits(logits, targets[:, 0, 0], reduction="none")
            summed = nll.new_zeros(len(images)).index_add(0, image, nll.mean(dim=(1, 2)))
            losses["mask"] = summed / positive.sum(dim=1).clamp_min(1)  # [B]
        return {name: AuxiliaryTerm(value, 1.0) for name, value in losses.items()}

    def _grid(self, said: Tensor, labels: Tensor) -> Tensor:
        """Logits of the coarse mask [R, G, G] of regions [R, 2 H] of known classes [R]."""
        logits = self.to_grid(said).unflatten(1, (self.num_classes, self.grid_size, -1))
        return logits[torch.arange(len(said), device=said.device), labels]

    def detect(self, images: Tensor) -> Detections:
        segments = self.segments(images)
        masks, real = _stack(segments, images)  # [B, P, height, width], [B, P]
        boxes = self._boxes(masks)  # [B, P, 4]
        said = self.read(images, masks, boxes)  # [B, P, 2 H]
        logits = self.to_class(said)  # [B, P, C + 1]
        if self.refine:
            labels = logits[..., :-1].argmax(dim=2)  # [B, P]
            grids = self._grid(said.flatten(0, 1), labels.flatten()).sigmoid()  # [B P, G, G]
            coarse = paste(grids, boxes.flatten(0, 1), *images.shape[2:])  # [B P, height, width]
            coarse = coarse.unflatten(0, labels.shape)  # [B, P, height, width]
            pairs = zip(segments, coarse, masks, strict=True)
            masks = torch.stack([_refined(*each) for each in pairs])
        return best_of(
            logits,
            masks & real[:, :, None, None],
            overlap=self.mask_overlap,
            least_score=self.least_score,
            most=self.max_objects,
        )


def _stack(segments: list[Segments], images: Tensor) -> tuple[Tensor, Tensor]:
    """Masks [B, P, height, width] of all segments, and which of them there are, [B, P]."""
    most = max(1, *(len(each.members) for each in segments))
    masks = images.new_zeros(len(images), most, *images.shape[2:], dtype=torch.bool)
    real = images.new_zeros(len(images), most, dtype=torch.bool)
    for index, (regions, members) in enumerate(segments):
        masks[index, : len(members)] = members[:, regions].to(images.device)
        real[index, : len(members)] = True
    return masks, real


def _refined(segments: Segments, coarse: Tensor, masks: Tensor) -> Tensor:
    """Superpixels of which coarse mask and segment together say that they belong to the object.

    Args:
        segments: of the image.
        coarse: probabilities of the coarse mask, [P, height, width].
        masks: the segments, [P, height, width].
    """
    regions = segments.regions.to(coarse.device).flatten()  # [height * width]
    votes = (coarse + masks.float()).flatten(1) / 2  # [P, height * width]
    sizes = regions.bincount()  # [R]
    sums = votes.new_zeros(len(votes), len(sizes)).index_add(1, regions, votes)  # [P, R]
    return (sums / sizes > 0.5)[:, regions].view_as(masks)
