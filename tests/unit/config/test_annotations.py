"""Which values fit which annotation; each row worked out by hand."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Optional, TypeVar, Union

import pytest
import torch
from torch import Tensor, nn

from seqlab.config.annotations import convert, describe, fits, signature_of, slot_type

PART = {"_target_": "torch.nn.ReLU"}
T = TypeVar("T")


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (1, int, True),
        (True, int, False),
        (1.0, int, False),
        ("1", int, False),
        (1, float, True),
        (True, float, False),
        ("1e-3x", float, False),
        (1, bool, False),
        (None, int, False),
        (None, int | None, True),
        (None, Optional[str], True),  # noqa: UP045, as older libraries write it
        ("x", Union[int, str], True),  # noqa: UP007
        (3, str, False),
        ("a", Literal["a", "b"], True),
        ("c", Literal["a", "b"], False),
        (True, Literal[1], False),
        ([1, 2], list[int], True),
        ([1, "x"], list[int], False),
        ("ab", list[str], False),
        ("ab", Sequence[str], False),
        ([1, 2.5], Iterable[float], True),
        ([0.9, 0.999], tuple[float, float], True),
        ([0.9], tuple[float, float], False),
        ([1, 2, 3], tuple[int, ...], True),
        ([0.9, "x"], tuple[float | Tensor, float | Tensor], False),
        ({"a": 1.0}, dict[str, float], True),
        ({"a": "x"}, Mapping[str, float], False),
        ([], dict, False),
        ("a/b", Path, True),
        (3, Path | None, False),
        ("x", Any, True),
        ("x", T, True),
        ("x", float | Tensor, False),
        ("relu", nn.Module, False),
        ("x", Callable[..., nn.Module], False),
    ],
)
def test_fits(value: Any, annotation: Any, expected: bool) -> None:
    assert fits(value, annotation) is expected


def test_parts_within_lists_are_looked_at_where_they_stand() -> None:
    assert fits([PART, PART], list[nn.Module])


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (float | None, ("a number", "null")),
        (None | int, ("a whole number", "null")),
        (Literal["min", "max"], ("min", "max")),
        (tuple[float, float], ("[a number, a number]",)),
        (list[str], ("a list of text",)),
        (float | Tensor, ("a number",)),
        (nn.Module, ("a part of type Module",)),
        (Callable[..., nn.Module] | None, ("a part of type Module", "null")),
        (Any, ()),
    ],
)
def test_describe(annotation: Any, expected: tuple[str, ...]) -> None:
    assert describe(annotation) == expected


def test_slots_are_callables_of_any_arguments() -> None:
    assert slot_type(Callable[..., nn.Module]) is nn.Module
    assert slot_type(Callable[..., nn.Module] | None) is nn.Module
    assert slot_type(Callable[[Tensor], Tensor]) is None
    assert slot_type(nn.Module) is None


def test_convert() -> None:
    assert convert([1, 2], tuple[int, int]) == (1, 2)
    assert convert("a/b", Path | None) == Path("a/b")
    assert convert("a/b", str | Path) == "a/b"
    assert convert([1], list[int]) == [1]


class Known:
    def __init__(self, first: int, *, second: "str", third: "Missing" = 3, **more: int) -> None:  # noqa: F821
        pass


def test_signature_keeps_what_it_can_resolve() -> None:
    signature = signature_of(Known)
    assert signature.annotations == {"first": int, "second": str, "third": Any}
    assert signature.required == {"first", "second"}
    assert signature.takes_any


def test_signature_of_torch() -> None:
    signature = signature_of(torch.optim.lr_scheduler.StepLR)
    assert signature.annotations["step_size"] is int
    assert signature.required == {"optimizer", "step_size"}
    assert not signature.takes_any
