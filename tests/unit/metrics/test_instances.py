"""Average precision of objects: cases by hand, and pycocotools at one threshold."""

import contextlib
import io
import math

import numpy as np
import pytest
import torch
from torch import Tensor

pytest.importorskip("pycocotools")

from seqlab.metrics.instances import InstanceScores, average_precision, rle


def strip(start: int, stop: int) -> Tensor:
    """A mask of whole columns of ten."""
    mask = torch.zeros(4, 20, dtype=torch.bool)
    mask[:, start:stop] = True
    return mask


def row(found: list[tuple[float, Tensor]], true: list[tuple[Tensor, bool]]) -> dict[str, object]:
    return {
        "id": "a",
        "size": [4, 20],
        "found": [{"label": 0, "score": score, "rle": rle(mask)} for score, mask in found],
        "true": [{"label": 0, "crowd": int(crowd), "rle": rle(mask)} for mask, crowd in true],
    }


def test_a_curve_by_hand() -> None:
    """Right, wrong, right, and one object that is not found: (1 + 2/3) / 3."""
    true = [(strip(0, 5), False), (strip(8, 12), False), (strip(15, 20), False)]
    found = [(0.9, strip(0, 4)), (0.8, strip(5, 8)), (0.7, strip(8, 12))]
    assert average_precision([row(found, true)], 0, 0.5) == pytest.approx((1 + 2 / 3) / 3)
    assert average_precision([row(found, true)], 0, 0.81) == pytest.approx((1 / 3) / 3)
    assert math.isnan(average_precision([row(found, true)], 1, 0.5))


def test_the_second_of_one_object_is_wrong() -> None:
    true = [(strip(0, 5), False), (strip(10, 15), False)]
    found = [(0.9, strip(0, 5)), (0.8, strip(0, 5)), (0.7, strip(10, 15))]
    assert average_precision([row(found, true)], 0, 0.5) == pytest.approx((1 + 2 / 3) / 2)


def test_what_lies_on_a_crowd_does_not_count() -> None:
    true = [(strip(0, 5), False), (strip(8, 20), True)]
    found = [(0.9, strip(9, 12)), (0.8, strip(0, 5))]
    assert average_precision([row(found, true)], 0, 0.5) == 1.0
    no_crowd = [(strip(0, 5), False)]
    assert average_precision([row(found, no_crowd)], 0, 0.5) == 0.5


def test_scores_agree_with_coco() -> None:
    """COCO samples the curve at 101 recalls, so that at one threshold both are close."""
    torch.manual_seed(0)
    scores = InstanceScores(classes=("one", "two"))
    for batch in range(6):
        labels = torch.randint(0, 2, (4, 3))
        starts = torch.stack([torch.randperm(4)[:3] * 5 for _ in range(4)])
        masks = torch.stack([torch.stack([strip(s, s + 5) for s in each]) for each in starts])
        shifted = starts + torch.randint(-2, 3, starts.shape)
        seen = torch.stack([torch.stack([strip(max(s, 0), s + 5) for s in e]) for e in shifted])
        wrong = torch.rand(4, 3) < 0.2
        said = torch.where(wrong, 1 - labels, labels)
        crowds = torch.zeros(4, 3, dtype=torch.bool)
        names = [f"{batch}-{n}" for n in range(4)]
        scores.update((said, torch.rand(4, 3), seen), (labels, crowds, masks), names)
    values = scores.compute()
    at_half = coco_at(scores, 0.5)
    assert values["ap50"] == pytest.approx(at_half, abs=0.015)
    assert 0 < values["ap"] < values["ap50"] < 1
    assert np.nanmean(scores.per_class()["ap70"]) == pytest.approx(values["ap70"])


def coco_at(scores: InstanceScores, threshold: float) -> float:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    from seqlab.metrics.text_state import unpack

    truth, found = COCO(), COCO()
    things: dict[str, list[dict[str, object]]] = {"true": [], "found": []}
    last = {each["id"]: each for each in unpack(scores.records)}
    for image, each in enumerate(last.values()):
        for kind in things:
            for thing in each[kind]:
                things[kind].append(
                    {
                        "id": len(things[kind]) + 1,
                        "image_id": image,
                        "category_id": thing["label"],
                        "segmentation": thing["rle"],
                        "area": 20,
                        "iscrowd": 0,
                        "score": thing.get("score", 1.0),
                    }
                )
    for index, kind in ((truth, "true"), (found, "found")):
        index.dataset = {
            "images": [{"id": n, "height": 4, "width": 20} for n in range(len(last))],
            "categories": [{"id": 0}, {"id": 1}],
            "annotations": things[kind],
        }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        found.createIndex()
        evaluation = COCOeval(truth, found, "segm")
        evaluation.params.iouThrs = np.array([threshold])
        evaluation.evaluate()
        evaluation.accumulate()
    return float(evaluation.eval["precision"][0, :, :, 0, -1].mean())


def test_without_truth_there_is_no_score() -> None:
    scores = InstanceScores(classes=("one",))
    nothing = torch.full((1, 1), -1)
    masks, crowds = torch.zeros(1, 1, 4, 20, dtype=torch.bool), torch.zeros(1, 1).bool()
    scores.update((nothing, torch.zeros(1, 1), masks), (nothing, crowds, masks), ["a"])
    assert all(math.isnan(value) for value in scores.compute().values())
