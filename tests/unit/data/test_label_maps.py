"""What label maps say: numbers as classes, and how frequent classes are."""

from pathlib import Path

import numpy as np
import pytest
import torch

from seqlab.data.batches import VOID
from seqlab.data.errors import DataError
from seqlab.data.label_maps import (
    KeptPairs,
    LabelledImages,
    LabelScheme,
    Pair,
    count_classes,
    median_frequency_weights,
)

SCHEME = LabelScheme(("sky", "road"), ("#000000", "#ffffff"), {7: 0, 3: 1, 4: VOID, 255: VOID})


class _Listed(LabelledImages):
    """Label maps of a list, None where one is broken."""

    def __init__(self, maps: list[list[list[int]] | None]) -> None:
        super().__init__([f"{number}" for number in range(len(maps))])
        self.maps = maps

    def labels(self, index: int) -> torch.Tensor:
        if self.maps[index] is None:
            raise DataError([f"{index} is broken"])
        return torch.tensor(self.maps[index], dtype=torch.uint8)

    def __getitem__(self, index: int) -> Pair:
        labels = self.labels(index)
        return Pair(torch.zeros(3, *labels.shape, dtype=torch.uint8), labels)

    def size(self, index: int) -> tuple[int, int]:
        raise AssertionError("no header is read of what is in memory")


def test_numbers_become_classes() -> None:
    numbers = np.array([[7, 3, 3], [4, 255, 7]], np.uint8)
    assert SCHEME.decode(numbers, Path("a.png")).tolist() == [[0, 1, 1], [VOID, VOID, 0]]


def test_unknown_numbers_are_told() -> None:
    with pytest.raises(DataError) as caught:
        SCHEME.decode(np.array([[7, 9, 0, 9]], np.uint8), Path("folder/a.png"))
    assert caught.value.problems == [
        "folder/a.png: has pixels labelled 0, 9; known are 3 to 4, 7, 255"
    ]


def test_weights_by_hand() -> None:
    # 8 labelled pixels in the first image and 4 in the second, whose void ones do not count
    first = [[0, 0, 0, 0, 1, 1, 1, 1]]
    second = [[0, VOID, VOID, 2, 2, 2]]
    counts, problems = count_classes(_Listed([first, second]), 4)
    assert problems == []
    assert counts.tolist() == [[4, 4, 0, 0], [1, 0, 3, 0]]
    # frequencies 5/12, 4/8 and 3/4, of which 1/2 is the median; the last class never occurs
    np.testing.assert_allclose(median_frequency_weights(counts), [6 / 5, 1, 2 / 3, 1])


def test_weights_of_nothing_are_one() -> None:
    assert median_frequency_weights(np.zeros((2, 3), np.int64)) == (1, 1, 1)


def test_all_that_is_broken_is_told() -> None:
    images = _Listed([[[0]], None, [[1]], None])
    counts, problems = count_classes(images, 2)
    assert problems == ["1 is broken", "3 is broken"]
    assert counts.tolist() == [[1, 0], [0, 0], [0, 1], [0, 0]]
    with pytest.raises(DataError) as caught:
        KeptPairs(images)
    assert caught.value.problems == problems


def test_kept_pairs_are_those_that_were_read() -> None:
    images = _Listed([[[0, 1]], [[1], [1]]])
    kept = KeptPairs(images)
    images.maps = [None, None]  # nothing is read again
    assert kept.image_ids == ("0", "1")
    assert kept[1].labels.tolist() == [[1], [1]]
    assert kept.labels(0).tolist() == [[0, 1]]
    assert [kept.size(0), kept.size(1)] == [(1, 2), (2, 1)]
