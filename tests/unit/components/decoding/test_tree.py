"""Maps over trees, and an order that does not depend on the device."""

from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from seqlab.components.decoding import tree
from seqlab.components.decoding.ranking import descending, largest


class Inner(NamedTuple):
    a: Tensor
    b: Tensor | None


class Outer(NamedTuple):
    inner: Inner
    layers: tuple[Tensor, ...]


@pytest.fixture
def outer() -> Outer:
    return Outer(Inner(torch.arange(3), None), (torch.arange(6).view(3, 2),))


def test_repeat_keeps_copies_of_a_row_together(outer: Outer) -> None:
    twice = tree.repeat(outer, 2)
    assert isinstance(twice, Outer)
    assert isinstance(twice.inner, Inner)
    assert twice.inner.a.tolist() == [0, 0, 1, 1, 2, 2]
    assert twice.inner.b is None
    assert twice.layers[0].tolist() == [[0, 1], [0, 1], [2, 3], [2, 3], [4, 5], [4, 5]]


def test_select_takes_rows_in_order(outer: Outer) -> None:
    taken = tree.select(outer, torch.tensor([2, 0, 2]))
    assert taken.inner.a.tolist() == [2, 0, 2]
    assert taken.layers[0].tolist() == [[4, 5], [0, 1], [4, 5]]


def test_what_is_no_tensor_is_refused() -> None:
    with pytest.raises(TypeError, match="not list"):
        tree.select(Inner([1, 2], None), torch.tensor([0]))
    with pytest.raises(ValueError, match="no tensor"):
        tree.first_tensor(None, Inner(None, None))


def test_largest_is_the_front_of_a_stable_sort() -> None:
    torch.manual_seed(0)
    for levels in (2, 5, 1000):
        for count in (1, 4, 20):
            scores = torch.randint(levels, (6, 20)).double()
            values, index = largest(scores, count)
            for row in range(6):
                order = sorted(range(20), key=lambda i: (-float(scores[row, i]), i))[:count]
                assert index[row].tolist() == order
                assert values[row].tolist() == scores[row, order].tolist()


def test_descending_keeps_equals_in_order() -> None:
    assert descending(torch.tensor([[1.0, 3.0, 1.0, 3.0]]))[1].tolist() == [[1, 3, 0, 2]]
