"""Classifiers on features, against loops and what is known of made-up examples."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from seqlab.components.probes.choosing import fit_chosen
from seqlab.components.probes.interface import Probe
from seqlab.components.probes.knn import NearestNeighbours
from seqlab.components.probes.svm import LinearSVM

CHANCE = np.random.default_rng(0)


def made_up(count: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Three classes around the corners of a triangle."""
    labels = np.arange(count) % 3
    corners = np.array([[0.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    return (corners[labels] + CHANCE.normal(0, spread, (count, 2))).astype(np.float32), labels


@pytest.mark.parametrize("standardise", [False, True])
def test_a_machine_tells_classes_apart(standardise: bool) -> None:
    features, labels = made_up(60, 0.1)
    probe = LinearSVM(costs=[0.1, 10], standardise=standardise, max_iterations=1000)
    fitted, setting, validated = fit_chosen(
        probe, features, labels, validation=np.arange(60) < 15, seed=1
    )
    fresh, truth = made_up(30, 0.1)
    assert (fitted.predict(fresh) == truth).all()
    assert setting in ("cost 0.1", "cost 10")
    assert validated == 1.0


def test_neighbours_equal_a_loop() -> None:
    features, labels = made_up(40, 0.9)
    tested, _ = made_up(20, 0.9)
    probe = NearestNeighbours(neighbours=[5], distance="cosine")
    fitted, setting, validated = fit_chosen(probe, features, labels, validation=None, seed=1)
    assert (setting, validated) == ("5 neighbours", None)
    for each, said in zip(tested, fitted.predict(tested), strict=True):
        cosines = features @ each / np.linalg.norm(features, axis=1) / np.linalg.norm(each)
        nearest = labels[np.argsort(-cosines)[:5]]
        assert said == np.bincount(nearest, minlength=3).argmax()


def test_the_validation_examples_choose() -> None:
    """Isolated wrong labels spoil one neighbour, not five: validation sees it."""
    features, labels = made_up(90, 0.05)
    spoiled = labels.copy()
    spoiled[:60:5] = (spoiled[:60:5] + 1) % 3
    probe = NearestNeighbours(neighbours=[1, 5], distance="euclidean")
    validation = np.arange(90) >= 60
    _, setting, validated = fit_chosen(probe, features, spoiled, validation=validation, seed=1)
    assert (setting, validated) == ("5 neighbours", 1.0)
    _, setting, _ = fit_chosen(probe, features, labels, validation=validation, seed=1)
    assert setting == "1 neighbours"  # the simplest of equals


def test_neighbours_are_no_more_than_examples() -> None:
    probe = NearestNeighbours(neighbours=[50], distance="euclidean")
    assert list(probe.classifiers(7, 1)) == ["7 neighbours"]


def test_too_few_examples_to_choose() -> None:
    features, labels = made_up(4, 0.1)  # two classes have one example
    probe = LinearSVM(costs=[0.1, 10], standardise=False, max_iterations=1000)
    with pytest.raises(ValueError, match="too few to choose"):
        fit_chosen(probe, features, labels, validation=None, seed=1)


def test_settings_that_mean_nothing() -> None:
    with pytest.raises(ValueError, match="above 0"):
        LinearSVM(costs=[0.0], standardise=False, max_iterations=10)
    with pytest.raises(ValueError, match="at least 1"):
        NearestNeighbours(neighbours=[], distance="cosine")


@pytest.mark.parametrize(
    ("probe", "half"),
    [
        (LinearSVM(costs=[1.0], standardise=True, max_iterations=1000), 0.0),
        (NearestNeighbours(neighbours=[5], distance="euclidean"), 0.5),
    ],
)
def test_what_leans_beyond_half_is_said(probe: Probe, half: float) -> None:
    features, labels = made_up(60, 0.8)
    (classifier,) = probe.classifiers(60, 1).values()
    classifier.fit(features, np.minimum(labels, 1))
    fresh, _ = made_up(30, 0.8)
    leaning = probe.leaning(classifier, fresh)
    assert ((leaning > half) == (classifier.predict(fresh) == 1)).all()
    assert len(np.unique(leaning)) > 3
