"""How well a simple classifier does on features of one network, or of several side by side."""

import json
from collections.abc import Sequence
from importlib import metadata
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
from seqlab.run.feature_files import Features, read_features
from seqlab.run.protocols import Labels, Round, rounds
from seqlab.run.rundir import RunDir, atomic_write
from seqlab.run.screen import Screen, logging_to

LEAVE_ONE_OUT = "leave_one_out"


def probe(config: DictConfig) -> dict[str, float]:
    """Fit and test a classifier; metrics, predictions and figures are kept.

    Args:
        config: a validated config of `seqlab probe`.

    Returns:
        `test/accuracy` over all that was tested; with several rounds also their mean and standard
        deviation; `val/accuracy` of what was chosen; `test/accuracy_pca_D` of D dimensions.

    Raises:
        UserError: features do not fit each other, or have too few examples for the protocol.
    """
    screen = Screen()
    several = [read_features(Path(folder)) for folder in schema.as_list(config.features)]
    _refuse_unlike(several)
    folder = several[0].path / "probe" if config.output is None else Path(config.output)
    folder.mkdir(parents=True, exist_ok=True)
    with logging_to(folder / "probe.log"):
        return _probe(config, several, RunDir(folder), screen)


def _probe(
    config: DictConfig, several: list[Features], place: RunDir, screen: Screen
) -> dict[str, float]:
    first = several[0]
    labels = np.array([row["label"] for row in first.index])
    matrix = np.concatenate([each.matrix for each in several], axis=1)  # [N, D]
    classifier = build(config.probe, allow=config.allow)
    try:
        divisions = rounds(
            config.protocol,
            labels,
            [row["split"] for row in first.index],
            num_folds=config.num_folds,
            test_share=config.test_share,
            seed=config.seed,
        )
        with screen.counting("fitting") as tell:
            tested = []
            for division in divisions:
                tested.append(_test(classifier, matrix, labels, division, config.seed))
                tell(len(tested), len(divisions))
        curve = _compactness(config, classifier, matrix, labels, divisions)
    except ValueError as error:
        problem = Problem(key="protocol", given=config.protocol, message=str(error))
        raise UserError([problem]) from error
    metrics = _metrics(tested, labels) | {
        f"test/accuracy_pca_{dim}": accuracy for dim, accuracy in curve.items()
    }
    kept: dict[str, Any] = dict(metrics)
    kept["test/accuracy_signature"] = _signature(config, several, tested)
    place.write_metrics(kept)
    _keep_predictions(place, first, tested, labels)
    _draw(config, place, first, matrix, labels, tested, curve, metrics["test/accuracy"])
    title = f"{config.choices.probe} on {matrix.shape[1]} features, {config.protocol}"
    screen.metrics_table(kept, title)
    if config.protocol == LEAVE_ONE_OUT and config.compactness:
        screen.line("the compactness curve is not drawn with leave_one_out: too many fits")
    screen.line(f"metrics, predictions and figures are in {place.path}")
    return metrics


class _Tested(NamedTuple):
    """What a round has shown."""

    numbers: NDArray[np.int64]  # of the examples
    said: Labels
    setting: str
    validated: float | None  # accuracy by which it was chosen


def _test(classifier: Probe, matrix: Array, labels: Labels, division: Round, seed: int) -> _Tested:
    fitted, setting, validated = fit_chosen(
        classifier,
        matrix[division.fitted],
        labels[division.fitted],
        validation=division.validation,
        seed=seed,
    )
    said = fitted.predict(matrix[division.tested])
    return _Tested(division.tested, said, setting, validated)


def _metrics(tested: Sequence[_Tested], labels: Labels) -> dict[str, float]:
    shares = [float((each.said == labels[each.numbers]).mean()) for each in tested]
    right = np.concatenate([each.said == labels[each.numbers] for each in tested])
    metrics = {"test/accuracy": float(right.mean())}
    if 1 < len(tested) < len(labels):
        metrics["test/accuracy_mean"] = float(np.mean(shares))
        metrics["test/accuracy_std"] = float(np.std(shares, ddof=1))
    chosen = [each.validated for each in tested if each.validated is not None]
    if chosen:
        metrics["val/accuracy"] = float(np.mean(chosen))
    return metrics


def _compactness(
    config: DictConfig,
    classifier: Probe,
    matrix: Array,
    labels: Labels,
    divisions: Sequence[Round],
) -> dict[int, float]:
    """Accuracy by the number of principal components of what each round learns from."""
    if config.protocol == LEAVE_ONE_OUT:
        return {}
    most = min(min(len(division.fitted) for division in divisions), matrix.shape[1])
    dims = sorted({dim for dim in config.compactness if 0 < dim <= most})
    right: dict[int, list[NDArray[np.bool_]]] = {dim: [] for dim in dims}
    for division in divisions if dims else ():
        projected = principal_components(matrix, division.fitted, dims[-1])
        for dim in dims:
            found = _test(classifier, projected[:, :dim], labels, division, config.seed)
            right[dim].append(found.said == labels[found.numbers])
    return {dim: float(np.concatenate(each).mean()) for dim, each in right.items()}


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


def _signature(config: DictConfig, several: list[Features], tested: list[_Tested]) -> str:
    """What the numbers are a function of, in one line."""
    settings = sorted({each.setting for each in tested})
    sources = [
        f"{each.source['layer']} of {each.source['checkpoint'][:12]} on "
        f"{each.source['split_hash'][:12]}"
        for each in several
    ]
    parts = [
        f"probe {config.choices.probe}: {', '.join(settings)}",
        f"protocol {config.protocol}",
        f"seed {config.seed}",
        *sources,
        f"scikit-learn {metadata.version('scikit-learn')}",
    ]
    return "; ".join(parts)


def _keep_predictions(
    place: RunDir, first: Features, tested: Sequence[_Tested], labels: Labels
) -> None:
    rows = [
        {
            "id": first.index[number]["name"],
            "class": first.classes[labels[number]],
            "said": first.classes[said],
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
    first: Features,
    matrix: Array,
    labels: Labels,
    tested: Sequence[_Tested],
    curve: dict[int, float],
    accuracy: float,
) -> None:
    from seqlab.viz.confusion import confusion_figure  # matplotlib takes a second
    from seqlab.viz.features import compactness_figure, embedding_figure

    confusion = np.zeros((len(first.classes), len(first.classes)), np.int64)
    for each in tested:
        np.add.at(confusion, (labels[each.numbers], each.said), 1)
    confusion_figure(confusion, first.classes, place.figures / "confusion.png")
    if curve:
        path = place.figures / "compactness.png"
        compactness_figure(curve, path, whole=accuracy, num_features=matrix.shape[1])
    if config.embedding and len(matrix) > 3:
        points = _embedded(matrix, config.seed)
        embedding_figure(points, labels, first.classes, place.figures / "embedding.png")


def _embedded(matrix: Array, seed: int) -> Array:
    """Examples in two dimensions, [N, 2], those of like features near each other."""
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(matrix) - 1) / 3)
    dim = min(50, *matrix.shape)  # as its authors advise, distances are of 50 dimensions
    compact = principal_components(matrix, np.arange(len(matrix)), dim)
    embedding = TSNE(2, perplexity=perplexity, init="pca", random_state=seed)
    points: Array = embedding.fit_transform(compact)
    return points


def _refuse_unlike(several: Sequence[Features]) -> None:
    """Features side by side have to be of the same videos."""
    first, problems = several[0], []
    for each in several:
        if each.source.get("pool") == "none":
            message = "has a row for each clip; probes want one for each video: pool=average"
            problems.append(Problem(key="features", given=str(each.path), message=message))
    names = ("name", "split", "label")
    for each in several[1:]:
        message = ""
        if each.classes != first.classes:
            message = "has other classes"
        elif len(each.index) != len(first.index):
            message = f"has {len(each.index)} videos, not {len(first.index)}"
        else:
            for row, other in zip(each.index, first.index, strict=True):
                unlike = [name for name in names if row[name] != other[name]]
                if unlike:
                    name = unlike[0]
                    message = f"{row['name']} has {name} {row[name]}, not {other[name]}"
                    break
        if message:
            message = f"does not fit {first.path}: {message}"
            problems.append(Problem(key="features", given=str(each.path), message=message))
    if problems:
        raise UserError(problems)
