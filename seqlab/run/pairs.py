"""Pairs of videos as examples: which there are, and how alike their features are."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqlab.components.probes.similarity import similarities
from seqlab.data.video_sources import Pair
from seqlab.run.feature_files import Features

CHUNK = 256  # pairs whose vectors are in memory at once


def pair_features(several: Sequence[Features], pairs: Sequence[Pair]) -> NDArray[np.float32]:
    """The twelve similarities of each pair by each of several features, [P, 12 K].

    Kliper-Gross et al. (2012); Tran et al. (2015), section 5, with prob, fc7, fc6 and pool5.

    Raises:
        ValueError: there are no features of a video.
    """
    places = {row["name"]: at for at, row in enumerate(several[0].index)}
    missing = sorted({name for pair in pairs for name in pair[:2] if name not in places})
    if missing:
        shown = ", ".join(missing[:3])
        raise ValueError(f"asks about {len(missing)} videos without features, such as {shown}")
    rows = np.array([[places[name] for name in pair[:2]] for pair in pairs])  # [P, 2]
    chunks = np.split(rows, range(CHUNK, len(pairs), CHUNK))
    columns = [
        np.concatenate([similarities(*each.matrix[chunk.T]) for chunk in chunks])  # [P, 12]
        for each in several
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def draw_pairs(
    index: Sequence[dict[str, Any]], *, num_folds: int, pairs_per_fold: int, seed: int
) -> list[Pair]:
    """Pairs by chance of videos of the test split, or of all where it has none.

    Where there are two classes for each fold, classes are divided among the folds, so that what is
    asked is about actions that were never seen, as in ASLAN; else the videos of each class are.
    In each fold half of the pairs are of one class, and no pair is there twice.

    Args:
        index: name, split and label of each video.
        num_folds: parts of the videos; a pair has both of its own in one.
        pairs_per_fold: how many, or as many as there are, if these are fewer.
        seed: of what is drawn.

    Raises:
        ValueError: a fold has no two videos of one class, or none of two classes.
    """
    if num_folds < 2 or pairs_per_fold < 2:
        raise ValueError(
            f"num_folds and pairs_per_fold are at least 2, not {num_folds} and {pairs_per_fold}"
        )
    videos = [row for row in index if row["split"] == "test"] or list(index)
    chance = np.random.default_rng(seed)
    labels = np.array([row["label"] for row in videos])
    folds = _folds(labels, num_folds, chance)
    pairs = []
    for fold in range(num_folds):
        own = np.flatnonzero(folds == fold)
        first, second = (own[places] for places in np.triu_indices(len(own), 1))
        same = labels[first] == labels[second]
        count = min(pairs_per_fold // 2, int(same.sum()), int((~same).sum()))
        if count == 0:
            raise ValueError(
                f"num_folds={num_folds} leaves a fold of {len(own)} videos without two of one "
                "class or without two classes"
            )
        for kind in (True, False):
            for at in chance.permutation(np.flatnonzero(same == kind))[:count]:
                one, other = (videos[number]["name"] for number in (first[at], second[at]))
                pairs.append(Pair(one, other, kind, fold + 1))
    return pairs


def _folds(
    labels: NDArray[np.int64], num_folds: int, chance: np.random.Generator
) -> NDArray[np.int64]:
    """The fold of each video, [N]."""
    classes = chance.permutation(np.unique(labels))
    folds = np.zeros(len(labels), np.int64)
    apart = len(classes) >= 2 * num_folds
    for number, label in enumerate(classes):
        own = np.flatnonzero(labels == label)
        dealt = np.full(len(own), number) if apart else np.arange(len(own)) + number
        folds[chance.permutation(own)] = dealt % num_folds
    return folds


class Roc(NamedTuple):
    """How many of each kind are taken for the same, as one asks for less and less."""

    false_positives: NDArray[np.float64]  # share of those that are not the same, rising
    true_positives: NDArray[np.float64]  # share of those that are
    area: float


def roc(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> Roc:
    """The curve of a fold of pairs, and the area under it; by scikit-learn.

    Args:
        labels: 1 where both are the same, else 0, [P].
        scores: how much is said for 1, [P].
    """
    from sklearn.metrics import auc, roc_curve  # heavy

    false_positives, true_positives, _ = roc_curve(labels, scores)
    return Roc(false_positives, true_positives, float(auc(false_positives, true_positives)))
