"""Unknown words are replaced by what was attended to."""

import numpy as np
import pytest
import torch

from seqlab.components.decoding.unknown_words import replace_unknown

WEIGHTS = [
    [0.7, 0.2, 0.1, 0.0],
    [0.1, 0.2, 0.3, 0.4],  # most on the end
    [0.0, 0.6, 0.4, 0.0],
    [0.0, 0.0, 0.0, 1.0],  # of the translation's end
]


@pytest.mark.parametrize("make", [torch.tensor, np.array])
def test_the_most_attended_word_is_copied_and_never_the_end(make) -> None:
    found = replace_unknown(["das", "?", "?"], make(WEIGHTS), ["Paris", "is", "Rome"], "?")
    assert found == ["das", "Rome", "is"]


def test_nothing_to_copy() -> None:
    weights = torch.tensor(WEIGHTS)
    assert replace_unknown(["?"], weights, [], "?") == ["?"]
    assert replace_unknown([], weights, ["a"], "?") == []


def test_too_few_weights() -> None:
    weights = torch.tensor(WEIGHTS)
    with pytest.raises(ValueError, match=r"\(4, 4\) are too few for 5 words"):
        replace_unknown(["a"] * 5, weights, ["a"], "?")
    with pytest.raises(ValueError, match="a source of 5"):
        replace_unknown(["a"], weights, ["a"] * 5, "?")
