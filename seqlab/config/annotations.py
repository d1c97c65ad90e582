"""What a signature says of values in a yaml: which fit, how they are named, what they become."""

import collections.abc
import inspect
import os
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union

_PLAIN: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    types.NoneType: "null",
}
_SEQUENCES = (
    list,
    set,
    frozenset,
    collections.abc.Sequence,
    collections.abc.Iterable,
    collections.abc.Collection,
)
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


@dataclass(frozen=True)
class Signature:
    """The arguments that a `_target_` takes by name.

    Args:
        annotations: the type of each argument, Any where it has none that can be resolved.
        required: those without a default.
        takes_any: whether unknown names are taken too (`**kwargs`).
    """

    annotations: dict[str, Any]
    required: frozenset[str]
    takes_any: bool


def signature_of(target: Callable[..., Any]) -> Signature:
    """The arguments of a class or a function."""
    parameters = inspect.signature(target).parameters.values()
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    hints = _hints(target)
    return Signature(
        {p.name: hints.get(p.name, Any) for p in named},
        frozenset(p.name for p in named if p.default is p.empty),
        any(p.kind is p.VAR_KEYWORD for p in parameters),
    )


def _hints(target: Callable[..., Any]) -> dict[str, Any]:
    """Resolved type hints; one that cannot be resolved is left out and the others are kept."""
    function: Any = target
    if inspect.isclass(target):
        function = target.__init__ if target.__init__ is not object.__init__ else target.__new__
    try:
        return typing.get_type_hints(function)
    except (NameError, TypeError, AttributeError):
        raw = getattr(function, "__annotations__", {})
        scope = getattr(function, "__globals__", {})
    hints = {}
    for name, annotation in raw.items():
        probe = types.SimpleNamespace(__annotations__={name: annotation}, __globals__=scope)
        try:
            hints.update(typing.get_type_hints(probe, globalns=scope))
        except (NameError, TypeError, AttributeError):
            continue
    return hints


def members(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, or the annotation alone."""
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return tuple(m for part in typing.get_args(annotation) for m in members(part))
    if typing.get_origin(annotation) is typing.Annotated:
        return members(typing.get_args(annotation)[0])
    return (annotation,)


def slot_type(annotation: Any) -> Any | None:
    """X of `Callable[..., X]`, also inside a union: the slot of a part; None where it is none."""
    for member in members(annotation):
        arguments = typing.get_args(member)
        is_callable = typing.get_origin(member) is collections.abc.Callable
        if is_callable and arguments and arguments[0] is Ellipsis:
            return arguments[1]
    return None


def part_types(annotation: Any) -> tuple[Any, ...] | None:
    """Classes of which a part may be here; None where anything may be, () where no part may."""
    slot = slot_type(annotation)
    candidates = members(annotation) if slot is None else members(slot)
    if any(_is_open(member) for member in candidates):
        return None
    return tuple(m for m in candidates if _is_class(m) and m not in _PLAIN)


def is_part_only(annotation: Any) -> bool:
    """Whether no plain value but null may be given."""
    if slot_type(annotation) is not None:
        return True
    parts = part_types(annotation)
    return bool(parts) and set(members(annotation)) <= {*(parts or ()), types.NoneType}


def _is_class(annotation: Any) -> bool:
    return inspect.isclass(annotation) and typing.get_origin(annotation) is None


def _is_open(annotation: Any) -> bool:
    """Whether nothing can be said of what fits."""
    if annotation is Any or annotation is object or isinstance(annotation, str | typing.TypeVar):
        return True
    if _is_class(annotation) and getattr(annotation, "_is_protocol", False):
        return True
    known = (Literal, tuple, collections.abc.Callable, *_SEQUENCES, *_MAPPINGS)
    origin = typing.get_origin(annotation)
    return not _is_class(annotation) and annotation is not None and origin not in known


def item_type(annotation: Any) -> Any:
    """The type of the elements of a list or the values of a mapping; Any where it is unknown."""
    for member in members(annotation):
        arguments = typing.get_args(member)
        origin = typing.get_origin(member)
        if arguments and origin in (*_SEQUENCES, tuple):
            return Union[tuple(a for a in arguments if a is not Ellipsis)]  # noqa: UP007
        if arguments and origin in _MAPPINGS:
            return arguments[-1]
    return Any


def fits(value: Any, annotation: Any) -> bool:
    """Whether a plain value (no part) may be given for an annotation."""
    return any(_fits_member(value, member) for member in members(annotation))


def _fits_member(value: Any, annotation: Any) -> bool:
    if _is_open(annotation):
        return True
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return any(value == choice and type(value) is type(choice) for choice in arguments)
    if annotation in (None, types.NoneType):
        return value is None
    if annotation is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if annotation in _PLAIN:
        return isinstance(value, annotation)
    if annotation in (Path, os.PathLike):
        return isinstance(value, str)
    if (origin or annotation) is tuple:
        return _fits_tuple(value, arguments)
    if (origin or annotation) in _SEQUENCES:
        return isinstance(value, list) and all(_fits_all(v, arguments[:1]) for v in value)
    if (origin or annotation) in _MAPPINGS:
        return isinstance(value, Mapping) and all(
            _fits_all(v, arguments[1:]) for v in value.values()
        )
    return False


def _fits_tuple(value: Any, arguments: tuple[Any, ...]) -> bool:
    if not isinstance(value, list):
        return False
    if not arguments or arguments[-1] is Ellipsis:
        return all(_fits_all(v, arguments[:1]) for v in value)
    return len(value) == len(arguments) and all(map(_fits_or_part, value, arguments))


def _fits_all(value: Any, arguments: tuple[Any, ...]) -> bool:
    return not arguments or _fits_or_part(value, arguments[0])


def _fits_or_part(value: Any, annotation: Any) -> bool:
    is_part = isinstance(value, Mapping) and "_target_" in value
    return is_part or fits(value, annotation)  # parts are looked at where they stand


def describe(annotation: Any) -> tuple[str, ...]:
    """What may be given for an annotation, in words, without what a yaml cannot hold."""
    words: list[str] = []
    for member in members(annotation):
        origin, arguments = typing.get_origin(member), typing.get_args(member)
        if origin is Literal:
            words += [str(argument) for argument in arguments]
        elif member in _PLAIN:
            words.append(_PLAIN[member])
        elif member in (Path, os.PathLike):
            words.append("a path")
        elif (origin or member) is tuple and arguments and arguments[-1] is not Ellipsis:
            items = [" or ".join(describe(argument)) for argument in arguments]
            words.append(f"[{', '.join(items)}]")
        elif (origin or member) in (*_SEQUENCES, tuple):
            inner = " or ".join(describe(arguments[0])) if arguments else ""
            words.append(f"a list of {inner}" if inner else "a list")
        elif (origin or member) in _MAPPINGS:
            words.append("a mapping")
        elif slot_type(member) is not None:
            words.append(_part(slot_type(member)))
    if not words:
        words = [_part(member) for member in part_types(annotation) or ()]
    words.sort(key=lambda word: word == "null")
    return tuple(dict.fromkeys(words))


def _part(annotation: Any) -> str:
    names = " or ".join(getattr(m, "__name__", str(m)) for m in members(annotation))
    return f"a part of type {names}"


def convert(value: Any, annotation: Any) -> Any:
    """The value as the annotation wants it: text to a path, a list to a tuple."""
    for member in members(annotation):
        if member is str and isinstance(value, str):
            return value
        if member in (Path, os.PathLike) and isinstance(value, str):
            return Path(value)
        if (typing.get_origin(member) or member) is tuple and isinstance(value, list):
            return tuple(value)
    return value
