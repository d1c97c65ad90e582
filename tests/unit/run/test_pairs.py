"""Pairs as examples: which are drawn, what is known of each, and the area under a curve."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from seqlab.components.probes.similarity import similarities
from seqlab.data.video_sources import Pair
from seqlab.run.feature_files import Features
from seqlab.run.pairs import draw_pairs, pair_features, roc
from seqlab.run.probe import standardised
from seqlab.run.protocols import rounds


def index(num_classes: int, each: int, split: str = "test") -> list[dict[str, object]]:
    return [
        {"name": f"{label}/{number}", "split": split, "label": label}
        for label in range(num_classes)
        for number in range(each)
    ]


@pytest.mark.parametrize(("num_classes", "apart"), [(6, True), (3, False)])
def test_what_is_drawn(num_classes: int, apart: bool) -> None:
    known = index(num_classes, 8) + index(num_classes, 3, "train")[:9]
    pairs = draw_pairs(known, num_folds=3, pairs_per_fold=10, seed=1)
    label = {row["name"]: row["label"] for row in known if row["split"] == "test"}
    assert [pair.fold for pair in pairs] == [1] * 10 + [2] * 10 + [3] * 10
    assert sum(pair.same for pair in pairs) == 15
    assert len({frozenset(pair[:2]) for pair in pairs}) == 30
    assert all(pair.same == (label[pair.first] == label[pair.second]) for pair in pairs)
    seen = [{name for p in pairs if p.fold == fold for name in p[:2]} for fold in (1, 2, 3)]
    if apart:
        seen = [{label[name] for name in names} for names in seen]
        assert all(len(classes) == 2 for classes in seen)
    assert not seen[0] & seen[1] | seen[1] & seen[2] | seen[0] & seen[2]
    assert draw_pairs(known, num_folds=3, pairs_per_fold=10, seed=1) == pairs
    assert draw_pairs(known, num_folds=3, pairs_per_fold=10, seed=2) != pairs


def test_too_few_to_draw() -> None:
    with pytest.raises(ValueError, match="leaves a fold of 2 videos without two of one class"):
        draw_pairs(index(2, 3), num_folds=3, pairs_per_fold=10, seed=1)
    with pytest.raises(ValueError, match="at least 2, not 1 and 10"):
        draw_pairs(index(2, 3), num_folds=1, pairs_per_fold=10, seed=1)
    few = draw_pairs(index(4, 2), num_folds=2, pairs_per_fold=100, seed=1)
    assert len(few) == 8  # two pairs of one class in each fold, and as many of two


def test_twelve_columns_of_each_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqlab.run.pairs.CHUNK", 2)
    chance = np.random.default_rng(0)
    rows = [{"name": name} for name in "abcd"]
    layers = [
        Features(Path(), chance.normal(size=(4, dim)).astype(np.float32), rows, {})
        for dim in (3, 5)
    ]
    pairs = [Pair("c", "a", True, 1), Pair("a", "d", False, 1), Pair("b", "c", True, 2)]
    found = pair_features(layers, pairs)
    assert found.shape == (3, 24)
    for at, (x, y) in enumerate([(2, 0), (0, 3), (1, 2)]):
        expected = [similarities(layer.matrix[[x]], layer.matrix[[y]])[0] for layer in layers]
        np.testing.assert_allclose(found[at], np.concatenate(expected), rtol=1e-5)
    with pytest.raises(ValueError, match="1 videos without features, such as e"):
        pair_features(layers, [*pairs, Pair("e", "a", True, 2)])


def test_folds_are_tested_in_turn() -> None:
    folds, labels = ["2", "2", "10", "1", "10", "1"], np.array([0, 1, 0, 1, 1, 0])
    settings = {"num_folds": 5, "test_share": 0.25, "seed": 1}
    found = rounds("pairs", labels, folds, **settings)
    assert [each.tested.tolist() for each in found] == [[0, 1], [2, 4], [3, 5]]
    assert found[1].fitted.tolist() == [0, 1, 3, 5]
    for wrong in (["1"] * 6, ["1", "1", "1", "2", "2", "1"]):
        with pytest.raises(ValueError, match="two folds or more"):
            rounds("pairs", labels, wrong, **settings)


def test_what_is_learned_from_gives_the_scale() -> None:
    matrix = np.array([[1.0, 5.0], [3.0, 5.0], [4.0, 6.0]], np.float32)
    assert standardised(matrix, np.array([0, 1])).tolist() == [[-1, 0], [1, 0], [2, 1]]


def test_the_area_is_how_often_the_same_score_higher() -> None:
    chance = np.random.default_rng(0)
    labels, scores = np.arange(40) % 2, np.round(chance.normal(size=40), 1)  # some are equal
    scores += 0.5 * labels
    wins = [
        float(high > low) + 0.5 * float(high == low)
        for high in scores[labels == 1]
        for low in scores[labels == 0]
    ]
    found = roc(labels, scores)
    assert found.area == pytest.approx(np.mean(wins))
    assert 0.5 < found.area < 1
    assert found.false_positives[[0, -1]].tolist() == [0, 1]
