"""How well a simple classifier does on features of one network, or of several side by side."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from omegaconf import DictConfig

from seqlab.components.probes.choosing import fit_chosen
from seqlab.components.probes.interface import Array, Probe
from seqlab.config import schema
from seqlab.config.build import build
from seqlab.config.errors import Problem, UserError
from seqlab.run.examples import Examples, examples_of, refuse_unlike, signature
from seqlab.run.feature_files import Features, read_features
from seqlab.run.label_probe import has_several, probe_labels
from seqlab.run.pairs import roc
from seqlab.run.protocols import LEAVE_ONE_OUT, PAIRS, Labels, Round, rounds
from seqlab.run.rundir import RunDir, atomic_write
from seqlab.run.screen import Screen, logging_to


def probe(config: DictConfig) -> dict[str, float]:
    """Fit and test a classifier; metrics, predictions and figures are kept.

    Args:
        config: a validated config of `seqlab probe`.

    Returns:
        `test/accuracy` over all that was tested; with several rounds also their mean and standard
        deviation; `val/accuracy` of what was chosen; `test/accuracy_pca_D` of D dimensions; of
        pairs `test/auc`, the mean of its folds, and the standard errors `_se` of both means; of
        images that may show several classes what `probe_labels` says.

    Raises:
        UserError: features do not fit each other, or have too few examples for the protocol.
    """
    screen = Screen()
    several = [read_features(Path(folder)) for folder in schema.as_list(config.features)]
    refuse_unlike(several)
    folder = several[0].path / "probe" if config.output is None else Path(config.output)
    folder.mkdir(parents=True, exist_ok=True)
    with logging_to(folder / "probe.log"):
        if has_several(several[0]):
            return probe_labels(config, several, RunDir(folder), screen)
        return _probe(config, several, RunDir(folder), screen)


def _probe(
    config: DictConfig, several: list[Features], place: RunDir, screen: Screen
) -> dict[str, float]:
    classifier = build(config.probe, allow=config.allow)
    try:
        examples = examples_of(config, several)
        divisions = rounds(
            config.protocol,
            examples.labels,
            examples.splits,
            num_folds=config.num_folds,
            test_share=config.test_share,
            seed=config.seed,
        )
        with screen.counting("fitting") as tell:
            tested = []
            for division in divisions:
                tested.append(_test(config, classifier, examples, division))
                tell(len(tested), len(divisions))
        curve = _compactness(config, classifier, examples, divisions)
    except ValueError as error:
        problem = Problem(key="protocol", given=config.protocol, message=str(error))
        raise UserError([problem]) from error
    metrics = _metrics(tested, examples.labels) | {
        f"test/accuracy_pca_{dim}": accuracy for dim, accuracy in curve.items()
    }
    kept: dict[str, Any] = dict(metrics)
    settings = sorted({each.setting for each in tested})
    kept["test/accuracy_signature"] = signature(config, several, settings)
    place.write_metrics(kept)
    _keep_predictions(place, examples, tested)
    _draw(config, place, examples, tested, curve, metrics)
    title = f"{config.choices.probe} on {examples.matrix.shape[1]} features, {config.protocol}"
    screen.metrics_table(kept, title)
    if config.protocol == LEAVE_ONE_OUT and config.compactness:
        screen.line("the compactness curve is not drawn with leave_one_out: too many fits")
    if config.protocol == PAIRS:
        whence = "of the data set" if several[0].pairs else "drawn by the seed"
        screen.line(f"{len(examples.names)} pairs in {len(divisions)} folds, {whence}")
    screen.line(f"metrics, predictions and figures are in {place.path}")
    return metrics


class _Tested(NamedTuple):
    """What a round has shown."""

    numbers: NDArray[np.int64]  # of the examples
    said: Labels
    setting: str
    validated: float | None  # accuracy by which it was chosen
    scores: NDArray[np.float64] | None  # of pairs, how much each leans to `same`


def _test(config: DictConfig, classifier: Probe, examples: Examples, division: Round) -> _Tested:
    matrix, labels = examples.matrix, examples.labels
    pairs = config.protocol == PAIRS
    if pairs:
        matrix = standardised(matrix, division.fitted)
    fitted, setting, validated = fit_chosen(
        classifier,
        matrix[division.fitted],
        labels[division.fitted],
        validation=division.validation,
        seed=config.seed,
    )
    rows = matrix[division.tested]
    scores = classifier.leaning(fitted, rows) if pairs else None
    return _Tested(division.tested, fitted.predict(rows), setting, validated, scores)


def _metrics(tested: Sequence[_Tested], labels: Labels) -> dict[str, float]:
    shares = [float((each.said == labels[each.numbers]).mean()) for each in tested]
    right = np.concatenate([each.said == labels[each.numbers] for each in tested])
    metrics = {"test/accuracy": float(right.mean())}
    if 1 < len(tested) < len(labels):
        metrics["test/accuracy_mean"] = float(np.mean(shares))
        metrics["test/accuracy_std"] = float(np.std(shares, ddof=1))
    areas = [roc(labels[e.numbers], e.scores).area for e in tested if e.scores is not None]
    if areas:
        metrics["test/auc"] = float(np.mean(areas))
        for name, values in (("accuracy", shares), ("auc", areas)):
            metrics[f"test/{name}_se"] = float(np.std(values, ddof=1) / np.sqrt(len(values)))
    chosen = [each.validated for each in tested if each.validated is not None]
    if chosen:
        metrics["val/accuracy"] = float(np.mean(chosen))
    return metrics


def _compactness(
    config: DictConfig, classifier: Probe, examples: Examples, divisions: Sequence[Round]
) -> dict[int, float]:
    """Accuracy by the number of principal components of what each round learns from."""
    if config.protocol in (LEAVE_ONE_OUT, PAIRS):
        return {}
    matrix, labels = examples.matrix, examples.labels
    most = min(min(len(division.fitted) for division in divisions), matrix.shape[1])
    dims = sorted({dim for dim in config.compactness if 0 < dim <= most})
    right: dict[int, list[NDArray[np.bool_]]] = {dim: [] for dim in dims}
    for division in divisions if dims else ():
        projected = principal_components(matrix, division.fitted, dims[-1])
        for dim in dims:
            fewer = examples._replace(matrix=projected[:, :dim])
            found = _test(config, classifier, fewer, division)
            right[dim].append(found.said == labels[found.numbers])
    return {dim: float(np.concatenate(each).mean()) for dim, each in right.items()}


def standardised(matrix: Array, fitted: NDArray[np.int64]) -> Array:
    """All examples with the mean 0 and deviation 1 that some of them then have, [N, D].

    Args:
        matrix: features [N, D].
        fitted: numbers of the examples whose mean and deviation count.
    """
    own = matrix[fitted].astype(np.float64)
    deviation = own.std(0)
    scaled: Array = (matrix - own.mean(0)) / np.where(deviation > 0, deviation, 1.0)
    return scaled.astype(np.float32)


def principal_components(matrix: Array, fitted: NDArray[np.int64], dim: int) -> Array:
    """All examples on the first axes of some of them, [N, dim].

    Args:
        matrix: features [N, D].
        fitted: numbers of the examples that the axes are found by.
        dim: how many axes.
    """
    centre = matrix[fitted].mean(0, dtype=np.float64)
    _, _, axes = np.linalg.svd(matrix[fitted] - centre, full_matrices=False)
    projected: Array = ((matrix - centre) @ axes[:dim].T).astype(np.float32)
    return projected


def _keep_predictions(place: RunDir, examples: Examples, tested: Sequence[_Tested]) -> None:
    rows = [
        {
            "id": examples.names[number],
            "class": examples.classes[examples.labels[number]],
            "said": examples.classes[said],
            **({"round": at} if len(tested) > 1 else {}),
        }
        for at, each in enumerate(tested, start=1)
        for number, said in zip(each.numbers, each.said, strict=True)
    ]
    place.predictions.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    atomic_write(place.predictions / "test.jsonl", lines)


def _draw(
    config: DictConfig,
    place: RunDir,
    examples: Examples,
    tested: Sequence[_Tested],
    curve: dict[int, float],
    metrics: dict[str, float],
) -> None:
    from seqlab.viz.confusion import confusion_figure  # matplotlib takes a second
    from seqlab.viz.features import compactness_figure, embedding_figure
    from seqlab.viz.roc import roc_figure

    matrix, labels, classes = examples.matrix, examples.labels, examples.classes
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    for each in tested:
        np.add.at(confusion, (labels[each.numbers], each.said), 1)
    confusion_figure(confusion, classes, place.figures / "confusion.png")
    curves = [roc(labels[e.numbers], e.scores)[:2] for e in tested if e.scores is not None]
    if curves:
        roc_figure(curves, place.figures / "roc.png", area=metrics["test/auc"])
        return
    if curve:
        path = place.figures / "compactness.png"
        whole = metrics["test/accuracy"]
        compactness_figure(curve, path, whole=whole, num_features=matrix.shape[1])
    if config.embedding and len(matrix) > 3:
        points = _embedded(matrix, config.seed)
        embedding_figure(points, labels, classes, place.figures / "embedding.png")


def _embedded(matrix: Array, seed: int) -> Array:
    """Examples in two dimensions, [N, 2], those of like features near each other."""
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(matrix) - 1) / 3)
    dim = min(50, *matrix.shape)  # as its authors advise, distances are of 50 dimensions
    compact = principal_components(matrix, np.arange(len(matrix)), dim)
    embedding = TSNE(2, perplexity=perplexity, init="pca", random_state=seed)
    points: Array = embedding.fit_transform(compact)
    return points
