"""From an image to a box and back, by weights that move with the box."""

import torch
from torch import Tensor


def _hats(places: Tensor, length: int) -> Tensor:
    """Weights [..., P, length] of bilinear interpolation at places [..., P] along one side.

    Pixel n lies at n + 1/2; beyond the first and the last, theirs are repeated.
    """
    middles = torch.arange(length, device=places.device) + 0.5  # [length]
    inside = places.clamp(0.5, length - 0.5)  # [..., P]
    return (1 - (inside[..., None] - middles).abs()).clamp_min(0)  # [..., P, length]


def warp(features: Tensor, boxes: Tensor, size: int) -> Tensor:
    """What lies in each box, as a map of fixed size; Dai et al. (2016), equations 4 to 6.

    RoI warping: each location of the result is interpolated from the map with the weights
    g(u, u') g(v, v'), g a hat of width one, which are functions of the box too, so that there is a
    gradient with respect to its coordinates. Locations are the middles of size x size cells.

    Args:
        features: maps [B, D, h, w].
        boxes: N of each map [B, N, 4], in units of its locations.
        size: height and width of the result, P.

    Returns:
        [B, N, D, P, P].
    """
    steps = (torch.arange(size, dtype=boxes.dtype, device=boxes.device) + 0.5) / size  # [P]
    left, top, right, bottom = boxes.unbind(dim=-1)  # each [B, N]
    columns = _hats(left[..., None] + (right - left)[..., None] * steps, features.shape[3])
    rows = _hats(top[..., None] + (bottom - top)[..., None] * steps, features.shape[2])
    lines = torch.einsum("bnph,bdhw->bndpw", rows, features)  # [B, N, D, P, w]
    return torch.einsum("bnqw,bndpw->bndpq", columns, lines)  # [B, N, D, P, P]


def paste(masks: Tensor, boxes: Tensor, height: int, width: int) -> Tensor:
    """Masks of boxes as masks of whole images, 0 outside the box: the way back of `warp`.

    Args:
        masks: values [..., P, P] on the cells of each box.
        boxes: [..., 4] in pixels, of some area.
        height: of the image in pixels.
        width: of the image in pixels.

    Returns:
        [..., height, width].
    """
    size = masks.shape[-1]
    left, top, right, bottom = boxes.unbind(dim=-1)  # each [...]
    sides = []
    for first, last, length in ((top, bottom, height), (left, right, width)):
        middles = torch.arange(length, device=boxes.device) + 0.5  # [length]
        start, end = first[..., None], last[..., None]  # [..., 1]
        places = (middles - start) / (end - start) * size  # [..., length], in cells
        within = (middles >= start) & (middles < end)
        sides.append(_hats(places, size) * within[..., None])  # [..., length, P]
    rows, columns = sides
    return rows @ masks @ columns.transpose(-1, -2)  # [..., height, width]
