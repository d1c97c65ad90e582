"""How well objects are found and outlined: AP^r of Hariharan et al. (2014), and COCO's mask AP."""

import contextlib
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics import Metric

from seqlab.metrics.text_state import add_text_state, pack, unpack

THRESHOLDS = {"ap50": 0.5, "ap70": 0.7}  # intersection over union of masks


class InstanceScores(Metric):
    """Average precision over masks, the mean over the classes that occur, 0 to 1.

    `ap50` and `ap70` are AP^r at 0.5 and 0.7 (Hariharan et al., 2014, section 4.1): the area under
    precision made monotone, as VOC has it since 2010. `ap` is COCO's mask AP, the mean over
    thresholds from 0.5 to 0.95, by pycocotools. What lies mostly on a crowd counts neither way.

    Args:
        classes: their names.

    Raises:
        ImportError: pycocotools is not installed.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    records: list[Tensor]

    def __init__(self, *, classes: Sequence[str]) -> None:
        super().__init__()
        _coding()
        self.classes = tuple(classes)
        add_text_state(self, "records")

    def update(
        self,
        found: tuple[Tensor, Tensor, Tensor],
        true: tuple[Tensor, Tensor, Tensor],
        image_ids: Sequence[str],
    ) -> None:
        """Take in a batch.

        Args:
            found: labels [B, N], -1 on padding, scores [B, N] and masks [B, N, height, width].
            true: labels [B, M], -1 on padding, crowds [B, M] and masks [B, M, height, width].
            image_ids: names of the images, of which one that was seen already is left out.
        """
        rows = []
        for index, name in enumerate(image_ids):
            labels, scores, masks = (each[index].cpu() for each in found)
            true_labels, crowds, true_masks = (each[index].cpu() for each in true)
            rows.append(
                {
                    "id": name,
                    "size": list(true_masks.shape[1:]),
                    "found": [
                        {"label": int(labels[n]), "score": float(scores[n]), "rle": rle(masks[n])}
                        for n in (labels >= 0).nonzero().flatten().tolist()
                    ],
                    "true": [
                        {
                            "label": int(true_labels[n]),
                            "crowd": int(crowds[n]),
                            "rle": rle(true_masks[n]),
                        }
                        for n in (true_labels >= 0).nonzero().flatten().tolist()
                    ],
                }
            )
        self.records += pack(rows, self.device)

    def compute(self) -> dict[str, float]:
        """The three scores; NaN where no object is annotated."""
        rows = list({row["id"]: row for row in unpack(self.records)}.values())
        scores = {name: _mean(self._each(rows, at)) for name, at in THRESHOLDS.items()}
        return {**scores, "ap": coco_ap(rows, len(self.classes))}

    def per_class(self) -> dict[str, NDArray[np.float64]]:
        """AP^r of each class by the name of the threshold, [C], NaN where none is annotated."""
        rows = list({row["id"]: row for row in unpack(self.records)}.values())
        return {name: self._each(rows, at) for name, at in THRESHOLDS.items()}

    def _each(self, rows: Sequence[Any], threshold: float) -> NDArray[np.float64]:
        values = [average_precision(rows, n, threshold) for n in range(len(self.classes))]
        return np.array(values, np.float64)


class _Judged(NamedTuple):
    """What one detection is worth."""

    score: float
    right: bool


def average_precision(rows: Sequence[Any], label: int, threshold: float) -> float:
    """AP of a class at one threshold, NaN where it is not annotated.

    A detection is right if the object it overlaps most, by at least the threshold, was not found
    before by one with a higher score.

    Args:
        rows: of each image what was found and what is true, as `InstanceScores` keeps them.
        label: the class.
        threshold: intersection over union of masks.
    """
    judged: list[_Judged] = []
    count = 0
    for row in rows:
        true = [each for each in row["true"] if each["label"] == label]
        found = [each for each in row["found"] if each["label"] == label]
        count += sum(not each["crowd"] for each in true)
        judged += _judge(found, true, threshold)
    if not count:
        return float("nan")
    ranked = sorted(judged, key=lambda each: -each.score)  # stable
    right = np.cumsum([each.right for each in ranked])
    precision = right / np.arange(1, len(ranked) + 1)
    monotone = np.maximum.accumulate(precision[::-1])[::-1]
    # Recall rises by one object at each that is right.
    return float(monotone[[each.right for each in ranked]].sum() / count) if ranked else 0.0


def _judge(found: Sequence[Any], true: Sequence[Any], threshold: float) -> list[_Judged]:
    """The detections of a class in one image, without those on crowds."""
    ranked = sorted(found, key=lambda each: -each["score"])
    if not true:
        return [_Judged(each["score"], False) for each in ranked]
    crowd = np.array([each["crowd"] for each in true], np.uint8)
    overlaps = _coding().iou(
        [each["rle"] for each in ranked], [each["rle"] for each in true], crowd.tolist()
    )  # [found, true], of the detection alone where the truth is a crowd
    judged: list[_Judged] = []
    taken: set[int] = set()
    for each, values in zip(ranked, overlaps, strict=True):
        alone = np.where(crowd == 1, -1.0, values)
        best = int(alone.argmax())
        if alone[best] >= threshold:
            judged.append(_Judged(each["score"], best not in taken))
            taken.add(best)
        elif not (values[crowd == 1] >= threshold).any():
            judged.append(_Judged(each["score"], False))
    return judged


def coco_ap(rows: Sequence[Any], num_classes: int) -> float:
    """Mask AP by pycocotools' COCOeval, over all thresholds, classes and sizes.

    Args:
        rows: of each image what was found and what is true, as `InstanceScores` keeps them.
        num_classes: how many classes there are.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    coding = _coding()
    truth, found = [], []
    for image, row in enumerate(rows, start=1):
        for each in row["true"]:
            shared = {"image_id": image, "category_id": each["label"], "iscrowd": each["crowd"]}
            area = float(coding.area(each["rle"]))
            truth.append({**shared, "id": len(truth) + 1, "area": area, **_shape(each)})
        for each in row["found"]:
            shared = {"image_id": image, "category_id": each["label"], "score": each["score"]}
            found.append({**shared, **_shape(each)})
    if not truth:
        return float("nan")
    if not found:
        return 0.0
    reference = COCO()
    reference.dataset = {
        "info": {},
        "images": [
            {"id": image, "height": row["size"][0], "width": row["size"][1]}
            for image, row in enumerate(rows, start=1)
        ],
        "categories": [{"id": label, "name": str(label)} for label in range(num_classes)],
        "annotations": truth,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        reference.createIndex()
        evaluation = COCOeval(reference, reference.loadRes(found), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


def _shape(each: Any) -> dict[str, Any]:
    return {
        "segmentation": dict(each["rle"]),
        "bbox": _coding().toBbox(each["rle"]).tolist(),
    }


def rle(mask: Tensor) -> dict[str, Any]:
    """COCO's run lengths of a mask [height, width], as JSON can have them."""
    coded = _coding().encode(np.asfortranarray(mask.cpu().numpy().astype(np.uint8)))
    return {"size": list(coded["size"]), "counts": coded["counts"].decode("ascii")}


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _coding() -> Any:
    try:
        from pycocotools import mask
    except ImportError as error:
        raise ImportError(
            "scores of objects need pycocotools: pip install 'seqlab[instances]'"
        ) from error
    return mask
