"""Scores of pixels by hand and against scikit-learn, and those of borders against a loop."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, jaccard_score

from seqlab.metrics.segmentation import TOLERANCE, BoundaryF1, PixelScores

VOID = 255


def scores(
    predicted: torch.Tensor, labels: torch.Tensor, classes: tuple[str, ...]
) -> dict[str, float]:
    metric = PixelScores(classes=classes, void=VOID, per_class=True)
    for found, true in zip(predicted, labels, strict=True):
        metric.update(found[None], true[None])
    return {name: float(value) for name, value in metric.compute().items()}


def test_worked_by_hand() -> None:
    """Of class a 3 of 4 pixels are found, of b 1 of 2; one void pixel counts nowhere."""
    labels = torch.tensor([[[0, 0, 0, 0], [1, 1, VOID, VOID]]])
    predicted = torch.tensor([[[0, 0, 0, 1], [1, 0, 1, 0]]])
    found = scores(predicted, labels, ("a", "traffic light", "c"))
    assert found == pytest.approx(
        {
            "pixel_accuracy": 4 / 6,
            "mean_accuracy": (3 / 4 + 1 / 2) / 2,
            "mean_iou": (3 / 5 + 1 / 3) / 2,
            "frequency_weighted_iou": (4 * 3 / 5 + 2 * 1 / 3) / 6,
            "iou_a": 3 / 5,
            "iou_traffic_light": 1 / 3,
        }
    )


def test_equal_to_scikit_learn() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(5, (3, 9, 11), generator=generator)
    predicted = torch.where(torch.rand(3, 9, 11, generator=generator) < 0.5, labels, 4)
    labels[:, 0] = VOID
    found = scores(predicted, labels, tuple("abcde"))
    true, said = (part[:, 1:].flatten().numpy() for part in (labels, predicted))
    iou = jaccard_score(true, said, average=None)
    matrix = confusion_matrix(true, said)
    np.testing.assert_allclose([found[f"iou_{name}"] for name in "abcde"], iou, rtol=1e-6)
    assert found["mean_iou"] == pytest.approx(iou.mean())
    weighted = jaccard_score(true, said, average="weighted")
    assert found["frequency_weighted_iou"] == pytest.approx(weighted)
    assert found["mean_accuracy"] == pytest.approx((matrix.diagonal() / matrix.sum(1)).mean())


def borders_of(labels: np.ndarray, each: int) -> list[tuple[int, int]]:
    height, width = labels.shape
    found = []
    for y in range(height):
        for x in range(width):
            around = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
            inside = [labels[p] for p in around if 0 <= p[0] < height and 0 <= p[1] < width]
            if labels[y, x] == each and any(other not in (each, VOID) for other in inside):
                found.append((y, x))
    return found


def share_met(points: list[tuple[int, int]], others: list[tuple[int, int]], reach: float) -> float:
    if not points or not others:
        return 0.0
    apart = np.array(points)[:, None] - np.array(others)[None]  # [points, others, 2]
    return float((np.hypot(*np.moveaxis(apart, 2, 0)).min(axis=1) <= reach).mean())


def test_borders_equal_the_loop() -> None:
    """Blocks against blocks moved by some pixels, at a size where the tolerance is 1.7 pixels."""
    rng = np.random.default_rng(0)
    expected = []
    metric = BoundaryF1(num_classes=4, void=VOID)
    for shift in (0, 1, 2, 5):
        labels = rng.integers(4, size=(5, 6)).repeat(28, 0).repeat(30, 1)
        predicted = np.roll(labels, shift, axis=1)
        labels[3:20, 2:9] = VOID
        metric.update(torch.from_numpy(predicted)[None], torch.from_numpy(labels)[None])
        reach = TOLERANCE * math.hypot(*labels.shape)
        predicted = np.where(labels == VOID, VOID, predicted)
        values = []
        for each in range(4):
            found, true = borders_of(predicted, each), borders_of(labels, each)
            if found or true:
                precision, recall = share_met(found, true, reach), share_met(true, found, reach)
                both = precision + recall
                values.append(2 * precision * recall / both if both else 0.0)
        expected.append(np.mean(values))
    assert expected[0] == 1.0
    assert expected[3] < 0.7 < expected[1]
    assert float(metric.compute()["boundary_f1"]) == pytest.approx(np.mean(expected))


def test_an_image_of_one_class_has_no_border() -> None:
    metric = BoundaryF1(num_classes=2, void=VOID)
    labels = torch.zeros(1, 8, 8).long()
    labels[0, :4] = VOID
    metric.update(torch.zeros(1, 8, 8).long(), labels)
    assert metric.compute() == {}
    labels[0, :4] = 1  # a border that is missed
    metric.update(torch.zeros(1, 8, 8).long(), labels)
    assert float(metric.compute()["boundary_f1"]) == 0.0
