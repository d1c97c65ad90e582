"""Boxes: how they overlap, and how one is told relative to another.

A box is left, top, right, bottom in pixels, where the pixel in the upper left corner of an image
covers 0 to 1 in both directions.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

LONGEST_STEP = 4.0  # of a logarithm of sizes: a box grows 55 times at most


def areas(boxes: Tensor) -> Tensor:
    """Areas [..., N] of boxes [..., N, 4]; 0 where right is left of left."""
    return (boxes[..., 2:] - boxes[..., :2]).clamp_min(0).prod(dim=-1)


def box_overlaps(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union [..., N, M] of boxes [..., N, 4] and [..., M, 4]."""
    upper = torch.maximum(first[..., :, None, :2], second[..., None, :, :2])  # [..., N, M, 2]
    lower = torch.minimum(first[..., :, None, 2:], second[..., None, :, 2:])  # [..., N, M, 2]
    shared = (lower - upper).clamp_min(0).prod(dim=-1)  # [..., N, M]
    union = areas(first)[..., :, None] + areas(second)[..., None, :] - shared
    return shared / union.clamp_min(1e-9)


def mask_overlaps(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union [..., N, M] of masks [..., N, h, w] and [..., M, h, w]."""
    ours, theirs = first.flatten(-2).float(), second.flatten(-2).float()  # [..., N or M, h w]
    shared = ours @ theirs.transpose(-1, -2)  # [..., N, M]
    union = ours.sum(dim=-1)[..., :, None] + theirs.sum(dim=-1)[..., None, :] - shared
    return shared / union.clamp_min(1)


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """Where boxes lie relative to anchors; Girshick et al. (2014), appendix C, equations 6 to 9.

    Args:
        boxes: [..., 4], of some area.
        anchors: [..., 4], of some area.
    """
    sizes, anchor_sizes = _sizes(boxes), _sizes(anchors)  # [..., 2]
    moved = (_middles(boxes) - _middles(anchors)) / anchor_sizes  # [..., 2]
    return torch.cat([moved, (sizes / anchor_sizes).log()], dim=-1)  # [..., 4]


def decode(steps: Tensor, anchors: Tensor) -> Tensor:
    """The boxes [..., 4] that `encode` told as `steps` [..., 4] from anchors [..., 4]."""
    sizes = _sizes(anchors)  # [..., 2]
    middles = _middles(anchors) + steps[..., :2] * sizes  # [..., 2]
    half = sizes * steps[..., 2:].clamp(-LONGEST_STEP, LONGEST_STEP).exp() / 2  # [..., 2]
    return torch.cat([middles - half, middles + half], dim=-1)  # [..., 4]


def _sizes(boxes: Tensor) -> Tensor:
    return boxes[..., 2:] - boxes[..., :2]


def _middles(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] + boxes[..., :2]) / 2


def clip(boxes: Tensor, height: int, width: int) -> Tensor:
    """Boxes [..., 4] cut off where the image ends; each keeps a pixel in both directions."""
    ends = boxes.new_tensor([width, height])  # [2]
    upper = torch.minimum(boxes[..., :2].clamp_min(0), ends - 1)  # [..., 2]
    lower = torch.maximum(torch.minimum(boxes[..., 2:], ends), upper + 1)  # [..., 2]
    return torch.cat([upper, lower], dim=-1)  # [..., 4]


def anchor_boxes(
    size: tuple[int, int],
    stride: int,
    scales: Sequence[float],
    ratios: Sequence[float],
    device: torch.device,
) -> Tensor:
    """Anchors [h, w, A, 4] around each location of a map; Ren et al. (2015), section 3.1.1.

    Args:
        size: height h and width w of the map.
        stride: pixels of the image per location.
        scales: square roots of areas, in pixels.
        ratios: height over width; A is their number times that of the scales.
        device: of the anchors.
    """
    shapes = [(s / r**0.5, s * r**0.5) for s in scales for r in ratios]
    half = torch.tensor(shapes, device=device) / 2  # [A, 2], width and height
    y = (torch.arange(size[0], device=device) + 0.5) * stride  # [h]
    x = (torch.arange(size[1], device=device) + 0.5) * stride  # [w]
    middles = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)[:, :, None]  # [h, w, 1, 2]
    return torch.cat([middles - half, middles + half], dim=-1)  # [h, w, A, 4]


def tight_boxes(masks: Tensor) -> Tensor:
    """The smallest boxes [..., 4] around masks [..., h, w]; all 0 around an empty one."""
    height, width = masks.shape[-2:]
    sides = []
    for length, lines in ((width, masks.any(dim=-2)), (height, masks.any(dim=-1))):
        places = torch.arange(length, device=masks.device)
        first = torch.where(lines, places, length).amin(dim=-1)  # [...]
        last = torch.where(lines, places + 1, 0).amax(dim=-1)  # [...]
        sides.append((torch.where(last > 0, first, 0), last))
    (left, right), (top, bottom) = sides
    return torch.stack([left, top, right, bottom], dim=-1).float()  # [..., 4]
