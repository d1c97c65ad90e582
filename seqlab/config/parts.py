"""Checks a part of a config against the signatures it names, without building it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqlab.config import annotations
from seqlab.config.build import check_keys, join, locate, unknown_arguments
from seqlab.config.errors import Problem, UserError

MISSING = "???"
SUPPLIED = "the data supplies it; leave it out"
UNRESOLVED = object()  # what an interpolation that leads nowhere would have given


class PartChecker:
    """Collects the problems of nodes.

    Args:
        allow: packages that the user allows beside seqlab's own list.
        offers: arguments that what builds the nodes gives to those that name them.
        supplied: sizes of the model that the data supplies: offers that no yaml may mention, be
            they named by the model or not.
    """

    def __init__(
        self,
        allow: Sequence[str],
        offers: frozenset[str] = frozenset(),
        supplied: frozenset[str] = frozenset(),
    ) -> None:
        self.allow, self.offers, self.supplied = tuple(allow), offers | supplied, supplied
        self.problems: list[Problem] = []

    def locate(self, node: Any, key: str) -> Any | None:
        """The class of a part; None, and a problem, where it may not be called or is not there."""
        if not isinstance(node, Mapping) or "_target_" not in node:
            message = "a part has to stand here, with a _target_"
            self._add(key, message, None if node is None else str(node))
            return None
        try:
            return locate(node["_target_"], self.allow, join(key, "_target_"))
        except UserError as error:
            self.problems += error.problems
            return None

    def part(
        self, node: Mapping[str, Any], annotation: Any, key: str, *, is_slot: bool = False
    ) -> None:
        """Check a node with a `_target_` and all below it.

        Args:
            node: plain values.
            annotation: what its place asks for.
            key: of the node.
            is_slot: whether it is a factory, or in one: then a model may offer any missing size.
        """
        is_slot = is_slot or annotations.slot_type(annotation) is not None
        self.problems += check_keys(node, key, str(node["_target_"]).rpartition(".")[2])
        target = self.locate(node, key)
        if target is None:
            return
        if not self._is_of_kind(target, annotation, key):
            return
        signature = annotations.signature_of(target)
        given = {str(name): value for name, value in node.items() if name != "_target_"}
        for name in sorted(self.supplied & set(given)):
            self._add(join(key, name), SUPPLIED, str(given.pop(name)))
        self.problems += unknown_arguments(target, signature, given, key, self.offers)
        for name, value in given.items():
            if name in self.offers and name in signature.annotations:
                message = f"{target.__name__} is given it by what uses it; leave it out"
                self._add(join(key, name), message, str(value))
            elif name in signature.annotations:
                self.value(value, signature.annotations[name], join(key, name), is_slot=is_slot)
        self._check_weights(given, key)
        if not is_slot:
            for name in sorted(signature.required - given.keys() - self.offers):
                self._add(join(key, name), f"{target.__name__} needs it and nothing gives it")

    def value(self, value: Any, annotation: Any, key: str, *, is_slot: bool = False) -> None:
        """Check what is given for an argument, which may be a part or hold some."""
        if value is UNRESOLVED:
            return
        if isinstance(value, str) and value == MISSING:
            self._add(key, f"has to be given: {key}=...", None, annotation)
        elif isinstance(value, Mapping) and "_target_" in value:
            self.part(value, annotation, key, is_slot=is_slot)
        elif not annotations.fits(value, annotation):
            message = "is of the wrong type"
            if annotations.is_part_only(annotation) and isinstance(value, str):
                name = key.rpartition(".")[2]
                message = f"is no part; a part is chosen with {name}={value}"
            self._add(key, message, _shown(value), annotation)
        elif isinstance(value, Mapping | list):
            inner = annotations.item_type(annotation)
            items = [(f"{key}[{at}]", item) for at, item in enumerate(value)]
            if isinstance(value, Mapping):
                items = [(join(key, str(name)), item) for name, item in value.items()]
            for below, item in items:
                if isinstance(item, Mapping | list) or item == MISSING:
                    self.value(item, inner, below, is_slot=is_slot)

    def _is_of_kind(self, target: Any, annotation: Any, key: str) -> bool:
        """Whether the class is one of those its place asks for; a problem where it is not."""
        wanted = annotations.part_types(annotation)
        if wanted is None or not isinstance(target, type):
            return True
        try:
            if issubclass(target, wanted):
                return True
        except TypeError:  # a protocol that cannot be asked
            return True
        self._add(key, "is not what its place asks for", target.__name__, annotation)
        return False

    def _check_weights(self, given: Mapping[str, Any], key: str) -> None:
        """A backbone's weights are nothing, timm's or a file; a file has to be there."""
        weights = given.get("weights")
        if not isinstance(weights, str) or weights in ("hub", MISSING):
            return
        if not Path(weights).expanduser().is_file():
            allowed = ("the path of a file", "hub: timm downloads them", "null: random weights")
            self._add(f"{key}.weights", "there is no such file", weights, allowed=allowed)

    def _add(
        self,
        key: str,
        message: str,
        given: str | None = None,
        annotation: Any = None,
        allowed: tuple[str, ...] = (),
    ) -> None:
        if annotation is not None:
            allowed = annotations.describe(annotation)
        self.problems.append(Problem(key=key, given=given, message=message, allowed=allowed))


def _shown(value: Any) -> str:
    """A value as it stands in a yaml."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
