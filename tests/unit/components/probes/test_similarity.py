"""The twelve similarities against SciPy, values worked by hand, and what must never be NaN."""

import numpy as np
import pytest
from scipy.spatial import distance

from seqlab.components.probes import similarity

CHANCE = np.random.default_rng(0)
X, Y = CHANCE.uniform(0, 1, (5, 7)), CHANCE.uniform(0, 1, (5, 7))


def by_rows(function: object) -> list[float]:
    return [function(x, y) for x, y in zip(X, Y, strict=True)]


def shares(vector: np.ndarray) -> np.ndarray:
    return 0.99 * vector / vector.sum() + 0.01 / len(vector)


def kullback_leibler(p: np.ndarray, q: np.ndarray) -> float:
    return sum(a * np.log(a / b) for a, b in zip(p, q, strict=True))


REFERENCES = {
    "inner_product": np.dot,
    "root_inner_product": lambda x, y: np.sqrt(x @ y),
    "cosine": lambda x, y: 1 - distance.cosine(x, y),
    "euclidean": distance.euclidean,
    "manhattan": distance.cityblock,
    "root_bhattacharyya": lambda x, y: np.sqrt(
        sum(np.sqrt(a * b) for a, b in zip(x, y, strict=True))
    ),
    "chi_square": lambda x, y: sum((a - b) ** 2 / (a + b) for a, b in zip(x, y, strict=True)),
    "hellinger": lambda x, y: distance.euclidean(np.sqrt(x), np.sqrt(y)) / np.sqrt(2),
    "intersection": lambda x, y: sum(map(min, x, y)),
    "min_over_max": lambda x, y: sum(map(min, x, y)) / sum(map(max, x, y)),
    "symmetric_divergence": lambda x, y: (
        kullback_leibler(shares(x), shares(y)) + kullback_leibler(shares(y), shares(x))
    ),
    "jensen_shannon": lambda x, y: distance.jensenshannon(shares(x), shares(y)),
}


def test_there_are_twelve() -> None:
    measures = similarity.OF_VECTORS + similarity.OF_HISTOGRAMS
    assert [each.__name__ for each in measures] == list(REFERENCES)
    assert len(measures) == 12
    assert similarity.similarities(X, Y).shape == (5, 12)


@pytest.mark.parametrize("name", REFERENCES)
def test_equals_the_reference(name: str) -> None:
    found = getattr(similarity, name)(X, Y)
    np.testing.assert_allclose(found, by_rows(REFERENCES[name]), rtol=1e-10)


def test_worked_by_hand() -> None:
    """(9, 4, -1) and (4, 9, 1): the last place agrees in nothing where signs are kept apart."""
    x, y = np.array([[9.0, 4.0, -1.0]]), np.array([[4.0, 9.0, 1.0]])
    found = dict(zip(REFERENCES, similarity.similarities(x, y)[0], strict=True))
    assert found["inner_product"] == 71  # 36 + 36 - 1
    assert found["manhattan"] == 12  # 5 + 5 + 2
    assert found["root_bhattacharyya"] == pytest.approx(np.sqrt(12))  # 6 + 6 + 0
    assert found["chi_square"] == pytest.approx(25 / 13 + 25 / 13 + 1 + 1)
    assert found["hellinger"] == pytest.approx(np.sqrt((1 + 1 + 1 + 1) / 2))
    assert found["intersection"] == 8
    assert found["min_over_max"] == 8 / 20
    opposed = similarity.root_inner_product(x, -y)
    assert opposed[0] == pytest.approx(-np.sqrt(71))


def test_nothing_is_ever_nan() -> None:
    rows = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, -2.0], [1e-30, 1e20]])
    first, second = np.repeat(rows, 4, axis=0), np.tile(rows, (4, 1))
    with np.errstate(all="raise", under="ignore"):
        found = similarity.similarities(first, second)
    assert np.isfinite(found).all()
    zeros = dict(zip(REFERENCES, found[0], strict=True))
    alike = {"min_over_max": 1.0}
    assert zeros == pytest.approx(dict.fromkeys(REFERENCES, 0.0) | alike)
