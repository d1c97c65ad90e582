"""Which of a probe's classifiers is used: what is tested has no say in it."""

import numpy as np
from numpy.typing import NDArray

from seqlab.components.probes.interface import Array, Classifier, MissingLibraryError, Probe

INNER_FOLDS = 3

Labels = NDArray[np.int64]


def fit_chosen(
    probe: Probe,
    features: Array,
    labels: Labels,
    *,
    validation: NDArray[np.bool_] | None,
    seed: int,
) -> tuple[Classifier, str, float | None]:
    """Choose by validation, then fit on all; the classifier, its setting and its accuracy there.

    Args:
        probe: what is fitted.
        features: [N, D].
        labels: classes [N].
        validation: which examples choose, [N]; None for cross-validation over all of them.
        seed: of folds and classifiers.

    Raises:
        ValueError: a class has too few examples to choose by cross-validation.
    """
    candidates = probe.classifiers(len(labels), seed)
    if validation is not None and validation.any() and not validation.all():
        parts = [(np.flatnonzero(~validation), np.flatnonzero(validation))]
    elif len(candidates) == 1:
        parts = []
    else:
        parts = _inner_folds(labels, seed)
    scores: dict[str, float] = dict.fromkeys(candidates, 0.0)
    for fitted, held in parts:
        # Of nearest neighbours there may be fewer in a part.
        for name, classifier in probe.classifiers(len(fitted), seed).items():
            said = classifier.fit(features[fitted], labels[fitted]).predict(features[held])
            if name in scores:
                scores[name] += float((said == labels[held]).mean()) / len(parts)
    chosen = max(scores, key=lambda name: scores[name])  # the first, the simplest, of equals
    classifier = candidates[chosen]
    classifier.fit(features, labels)
    return classifier, chosen, scores[chosen] if parts else None


def _inner_folds(labels: Labels, seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Parts of the training examples, each with all classes."""
    try:
        from sklearn.model_selection import StratifiedKFold
    except ImportError as error:
        raise MissingLibraryError from error
    classes, counts = np.unique(labels, return_counts=True)
    folds = min(INNER_FOLDS, int(counts.min()))
    if folds < 2:
        few = classes[counts.argmin()]
        raise ValueError(
            f"class {few} has one example to train on, too few to choose by cross-validation; give "
            "one value, such as probe.costs=[1]"
        )
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros(len(labels)), labels))
