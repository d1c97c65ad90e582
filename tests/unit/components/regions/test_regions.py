"""Boxes, suppression and warping against loops, torch's own sampling and numeric gradients."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from seqlab.components.regions.boxes import (
    anchor_boxes,
    box_overlaps,
    clip,
    decode,
    encode,
    mask_overlaps,
    tight_boxes,
)
from seqlab.components.regions.suppression import suppress
from seqlab.components.regions.warping import paste, warp


def some_boxes(*shape: int, side: float = 20.0) -> Tensor:
    corners = torch.rand(*shape, 2, 2, dtype=torch.double) * side
    return torch.cat([corners.amin(dim=-2), corners.amax(dim=-2) + 1], dim=-1)


def test_overlaps_by_hand() -> None:
    first = torch.tensor([[0.0, 0, 4, 4], [10, 10, 12, 12]])
    second = torch.tensor([[2.0, 0, 6, 4], [0, 0, 2, 2], [12, 12, 13, 13]])
    expected = torch.tensor([[8 / 24, 4 / 16, 0], [0, 0, 0]])
    torch.testing.assert_close(box_overlaps(first, second), expected)


def test_masks_of_whole_boxes_overlap_as_the_boxes() -> None:
    torch.manual_seed(0)
    boxes = some_boxes(2, 5).round()
    masks = torch.zeros(2, 5, 24, 24, dtype=torch.bool)
    for image in range(2):
        for number, (left, top, right, bottom) in enumerate(boxes[image].int().tolist()):
            masks[image, number, top:bottom, left:right] = True
    overlaps = box_overlaps(boxes, boxes).float()
    torch.testing.assert_close(mask_overlaps(masks, masks), overlaps)
    torch.testing.assert_close(tight_boxes(masks), boxes.float())
    assert tight_boxes(torch.zeros(3, 4, dtype=torch.bool)).tolist() == [0, 0, 0, 0]


def test_a_box_is_told_relative_to_an_anchor() -> None:
    anchor, box = torch.tensor([10.0, 10, 20, 30]), torch.tensor([11.0, 15, 31, 25])
    # Middles 15, 20 and 21, 20; widths 10 and 20, heights 20 and 10.
    expected = torch.tensor([0.6, 0.0, np.log(2), -np.log(2)], dtype=torch.float)
    torch.testing.assert_close(encode(box, anchor), expected)
    torch.manual_seed(1)
    boxes, anchors = some_boxes(50), some_boxes(50)
    torch.testing.assert_close(decode(encode(boxes, anchors), anchors), boxes)


def test_anchors_stand_in_the_middle_of_their_pixels() -> None:
    anchors = anchor_boxes((2, 3), 8, [16.0], [1.0, 4.0], torch.device("cpu"))
    assert anchors.shape == (2, 3, 2, 4)
    assert anchors[0, 0, 0].tolist() == [-4, -4, 12, 12]
    assert anchors[1, 2, 1].tolist() == [20 - 4, 12 - 16, 20 + 4, 12 + 16]


def test_boxes_are_cut_off_and_keep_a_pixel() -> None:
    boxes = torch.tensor([[-3.0, 2, 5, 99], [30, -9, 40, -2]])
    assert clip(boxes, 10, 20).tolist() == [[0, 2, 5, 10], [19, 0, 20, 1]]


def naive(overlaps: Tensor, scores: Tensor, labels: Tensor, threshold: float) -> list[bool]:
    kept: list[int] = []
    for index in sorted(range(len(scores)), key=lambda n: (-float(scores[n]), n)):
        rivals = [n for n in kept if labels[n] == labels[index]]
        if labels[index] >= 0 and all(overlaps[n, index] <= threshold for n in rivals):
            kept.append(index)
    return [n in kept for n in range(len(scores))]


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.6])
def test_suppression_is_the_greedy_loop(threshold: float) -> None:
    torch.manual_seed(2)
    boxes = some_boxes(4, 60)
    scores = (torch.rand(4, 60) * 20).round() / 20  # with equal ones
    labels = torch.randint(-1, 3, (4, 60))
    overlaps = box_overlaps(boxes, boxes)
    kept = suppress(overlaps, scores, labels, threshold)
    for image in range(4):
        expected = naive(overlaps[image], scores[image], labels[image], threshold)
        assert kept[image].tolist() == expected
    assert 0 < kept.sum() < (labels >= 0).sum()


def test_warping_samples_as_torch_does() -> None:
    torch.manual_seed(3)
    features, boxes = torch.randn(2, 3, 9, 12).double(), some_boxes(2, 4, side=8)
    warped = warp(features, boxes, 5)
    steps = (torch.arange(5) + 0.5).double() / 5
    for image in range(2):
        for number, (left, top, right, bottom) in enumerate(boxes[image].tolist()):
            x, y = left + (right - left) * steps, top + (bottom - top) * steps
            places = torch.stack(torch.meshgrid(2 * x / 12 - 1, 2 * y / 9 - 1, indexing="xy"), -1)
            given = features[image : image + 1]
            expected = F.grid_sample(
                given, places[None], padding_mode="border", align_corners=False
            )
            torch.testing.assert_close(warped[image, number], expected[0])


def test_warping_has_a_gradient_in_features_and_boxes() -> None:
    torch.manual_seed(4)
    features = torch.randn(1, 2, 6, 7).double().requires_grad_()
    boxes = torch.tensor([[[0.83, 1.17, 5.31, 4.83], [2.19, 0.57, 6.1, 5.3]]]).double()
    assert torch.autograd.gradcheck(lambda f, b: warp(f, b, 3), (features, boxes.requires_grad_()))


def test_pasting_is_the_way_back() -> None:
    image = torch.zeros(1, 1, 12, 12)
    image[0, 0, 3:9, 2:8] = 1.0
    boxes = torch.tensor([[[2.0, 3, 8, 9]]])
    assert torch.equal(paste(warp(image, boxes, 6)[:, :, 0], boxes, 12, 12), image)
    half = paste(torch.tensor([[[[0.0, 1.0]] * 2]]), torch.tensor([[[0.0, 0, 4, 4]]]), 4, 6)
    # Cells lie at 1 and 3, pixels at 1/2, 3/2, 5/2, 7/2; outside the box there is nothing.
    expected = torch.tensor([[[[0.0, 0.25, 0.75, 1.0, 0.0, 0.0]] * 4]])
    torch.testing.assert_close(half, expected)
