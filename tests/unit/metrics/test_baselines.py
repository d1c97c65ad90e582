"""The two captions that need no model."""

import numpy as np
import pytest

from seqlab.metrics import baselines
from seqlab.metrics.baselines import most_frequent_caption, nearest_captions


def test_most_frequent_ignores_case_and_punctuation_and_keeps_the_first_spelling() -> None:
    captions = ["Two men .", "A dog runs .", "a dog runs", "two men", "A cat", "a dog runs!"]
    assert most_frequent_caption(captions) == "A dog runs ."
    assert most_frequent_caption(["b", "a", "a", "b"]) == "b"
    with pytest.raises(ValueError, match="no training caption"):
        most_frequent_caption([])


def test_nearest_by_cosine_equals_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "_BLOCK", 4)
    rng = np.random.default_rng(0)
    known = rng.normal(size=(20, 6)) * rng.uniform(0.1, 10, size=(20, 1))  # lengths must not count
    queries = rng.normal(size=(10, 6))
    captions = [f"caption {n}" for n in range(20)]
    expected = []
    for query in queries:
        cosines = [k @ query / np.linalg.norm(k) / np.linalg.norm(query) for k in known]
        expected.append(captions[int(np.argmax(cosines))])
    assert nearest_captions(known, captions, queries.astype(np.float16)) == expected


def test_features_of_zeros_and_of_other_sizes() -> None:
    known = np.array([[0.0, 0.0], [-1.0, 0.0], [0.0, 2.0]])
    assert nearest_captions(known, ["a", "b", "c"], np.array([[0.0, 1.0]])) == ["c"]
    with pytest.raises(ValueError, match="3 training images and 2 captions"):
        nearest_captions(known, ["a", "b"], known)
    with pytest.raises(ValueError, match="have 2 numbers, the others 3"):
        nearest_captions(known, ["a", "b", "c"], np.ones((1, 3)))
