"""How well simple classifiers tell all that images show, each class against the rest."""

import json
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from omegaconf import DictConfig

from seqlab.components.probes.interface import Array, Probe
from seqlab.config.build import build
from seqlab.config.errors import Problem, UserError
from seqlab.metrics.image_labels import Classified
from seqlab.run.examples import signature
from seqlab.run.feature_files import Features
from seqlab.run.rundir import RunDir, atomic_write
from seqlab.run.screen import Screen
from seqlab.tasks.tables import Cell, Table

Labels = NDArray[np.int8]
Scores = NDArray[np.float64]


def has_several(features: Features) -> bool:
    """Whether an example may show several classes."""
    return bool(features.index) and isinstance(features.index[0]["label"], list)


def probe_labels(
    config: DictConfig, several: list[Features], place: RunDir, screen: Screen
) -> dict[str, float]:
    """Fit a classifier for each class on train and val, and test them on test.

    One setting is chosen for all classes: that of the best mean average precision on val, of those
    that learned on train.

    Args:
        config: of `seqlab probe`.
        several: features of the same images.
        place: where metrics, predictions and figures go.
        screen: says what came of it.

    Returns:
        `test/map` and `test/voc_map`, and `val/map` of the setting that was chosen.

    Raises:
        UserError: another protocol is asked for, or a split has no examples.
    """
    split = np.array([row["split"] for row in several[0].index])
    _refuse(config, split)
    classifier: Probe = build(config.probe, allow=config.allow)
    labels = np.array([row["label"] for row in several[0].index], np.int8)  # [N, C]
    matrix = np.concatenate([each.matrix for each in several], axis=1)  # [N, D]
    train, val, test = (np.flatnonzero(split == name) for name in ("train", "val", "test"))
    metrics: dict[str, float] = {}
    setting = next(iter(classifier.classifiers(len(train), config.seed)))
    if len(val):
        validated = {
            name: _measured(scores, labels[val]).mean_precisions().get("map", 0.0)
            for name, scores in _said(classifier, matrix, labels, train, val, config.seed).items()
        }
        setting = max(validated, key=lambda name: validated[name])  # the simplest of equals
        metrics["val/map"] = validated[setting]
    fitted = np.concatenate([train, val])
    scores = _said(classifier, matrix, labels, fitted, test, config.seed, setting)[setting]
    found = _measured(scores, labels[test])
    metrics |= {f"test/{name}": value for name, value in found.mean_precisions().items()}
    kept: dict[str, Any] = dict(metrics)
    kept["test/map_signature"] = signature(config, several, [setting])
    place.write_metrics(kept)
    _keep_predictions(place, several[0], test, scores)
    table = _tell(place, several[0].classes, found)
    title = f"{config.choices.probe} on {matrix.shape[1]} features, each class against the rest"
    screen.metrics_table(kept, title, [table])
    screen.line("of examples with several classes no compactness and no embedding is drawn")
    screen.line(f"metrics, predictions and figures are in {place.path}")
    return metrics


def _refuse(config: DictConfig, split: NDArray[Any]) -> None:
    message = ""
    if config.protocol != "splits":
        message = "is not for examples that may show several classes, whose shares no part keeps"
    elif not {"train", "test"} <= set(split):
        message = "needs examples of the splits train and test"
    if message:
        problem = Problem(
            key="protocol", given=config.protocol, message=message, allowed=("splits",)
        )
        raise UserError([problem])


def _said(
    probe: Probe,
    matrix: Array,
    labels: Labels,
    fitted: NDArray[np.int64],
    asked: NDArray[np.int64],
    seed: int,
    setting: str | None = None,
) -> dict[str, Scores]:
    """By setting, how much each example that is asked about leans to each class, [n, C].

    What does not count is not learned from. A class that all or none of the others show says
    nothing of any.
    """
    names = list(probe.classifiers(len(fitted), seed)) if setting is None else [setting]
    scores = {name: np.zeros((len(asked), labels.shape[1])) for name in names}
    for each in range(labels.shape[1]):
        counted = fitted[labels[fitted, each] >= 0]
        own = labels[counted, each].astype(np.int64)  # [n]
        if len(np.unique(own)) < 2:
            continue
        for name, classifier in probe.classifiers(len(counted), seed).items():
            if name in scores:
                classifier.fit(matrix[counted], own)
                scores[name][:, each] = probe.leaning(classifier, matrix[asked])
    return scores


def _measured(scores: Scores, labels: Labels) -> Classified:
    return Classified(torch.from_numpy(scores), torch.from_numpy(labels.astype(np.int64)))


def _keep_predictions(
    place: RunDir, first: Features, tested: NDArray[np.int64], scores: Scores
) -> None:
    rows = []
    for number, row in zip(tested, scores, strict=True):
        known, labels = first.index[number], np.array(first.index[number]["label"])
        shown = [first.classes[each] for each in np.flatnonzero(labels == 1)]
        said = {name: round(float(s), 4) for name, s in zip(first.classes, row, strict=True)}
        rows.append({"id": known["name"], "classes": shown, "scores": said})
    place.predictions.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    atomic_write(place.predictions / "test.jsonl", lines)


def _tell(place: RunDir, classes: tuple[str, ...], found: Classified) -> Table:
    """A bar and a row for each class."""
    from seqlab.viz.class_scores import class_figure  # matplotlib takes a second

    plain, voc = found.precisions()  # [C], [C]
    if not np.isnan(plain).all():
        path = place.figures / "classes.png"
        class_figure(classes, plain, path, score="average precision")
    rows = tuple(
        (Cell(name), Cell(f"{100 * ap:.1f}", float(ap)), Cell(f"{100 * of_voc:.1f}"))
        for name, ap, of_voc in zip(classes, plain, voc, strict=True)
        if not np.isnan(ap)
    )
    return Table("classes of test", ("class", "AP %", "AP of VOC 2007 %"), rows)
