"""Which examples a probe learns from, and which test it."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from seqlab.run.probe import principal_components
from seqlab.run.protocols import Round, rounds

LABELS = np.arange(24) % 3
SPLITS = ["train"] * 12 + ["val"] * 4 + ["test"] * 8


def divided(protocol: str, **changes: object) -> list[Round]:
    settings = {"num_folds": 4, "test_share": 0.25, "seed": 1} | changes
    return rounds(protocol, LABELS, SPLITS, **settings)


def test_splits() -> None:
    (found,) = divided("splits")
    assert found.fitted.tolist() == list(range(16))
    assert found.tested.tolist() == list(range(16, 24))
    assert found.validation.tolist() == [False] * 12 + [True] * 4


@pytest.mark.parametrize("protocol", ["folds", "leave_one_out"])
def test_each_example_is_tested_once(protocol: str) -> None:
    found = divided(protocol)
    assert sorted(np.concatenate([each.tested for each in found])) == list(range(24))
    for each in found:
        assert sorted([*each.fitted, *each.tested]) == list(range(24))
    assert len(found) == (4 if protocol == "folds" else 24)


def test_random_parts_keep_the_shares_of_the_classes() -> None:
    found = divided("random")
    assert len(found) == 4
    assert len({tuple(each.tested) for each in found}) == 4
    for each in found:
        assert np.bincount(LABELS[each.tested]).tolist() == [2, 2, 2]
        assert not set(each.fitted) & set(each.tested)
    assert [e.tested.tolist() for e in divided("random")] == [e.tested.tolist() for e in found]


def test_too_few_examples() -> None:
    with pytest.raises(ValueError, match="has 8 examples, fewer than num_folds=9"):
        divided("folds", num_folds=9)
    with pytest.raises(ValueError, match="train and test"):
        rounds("splits", LABELS, ["train"] * 24, num_folds=2, test_share=0.5, seed=1)


def test_principal_components_are_of_what_is_learned_from() -> None:
    from sklearn.decomposition import PCA

    matrix = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
    fitted = np.arange(12)
    reference = PCA(3, svd_solver="full").fit(matrix[fitted])
    expected = reference.transform(matrix)
    found = principal_components(matrix, fitted, 3)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-5)
