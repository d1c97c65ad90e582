"""Objects from the nodes of a config: `_target_` names a class, other keys are its arguments."""

import importlib
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from seqlab.config import annotations
from seqlab.config.errors import Problem, UserError, nearest

ALLOWED = ("seqlab", "torch.nn", "torch.optim", "torchmetrics", "lightning")


class ArgumentsError(UserError):
    """A part is given arguments that it does not take, or lacks some."""


def locate(target: str, allow: Sequence[str] = (), key: str = "_target_") -> Any:
    """The class that a dotted name means.

    A config may come with a checkpoint from a stranger, so a name reaches only what is defined in
    an allowed package itself, and there only classes: functions read, write and load, and what a
    module has merely imported (`seqlab.config.build.importlib`) is not its own. Packages named by
    the user in `allow` may give functions too.

    Args:
        target: `package.module.Class`.
        allow: packages that the user allows beside `ALLOWED`.
        key: where the name stands, for the error.

    Raises:
        UserError: the name is not allowed or means nothing.
    """

    def refuse(message: str, **more: Any) -> UserError:
        problem = Problem(key=key, given=str(target), message=message, **more)
        return UserError([problem])

    parts = target.split(".") if isinstance(target, str) else []
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise refuse("is no dotted name of a class")
    packages = (*ALLOWED, *allow)
    if not _is_below(target, packages):
        hint = f"allow=[{target.split('.')[0]}] on the command line allows more"
        raise refuse(f"may not be called; {hint}", allowed=tuple(f"{p}.*" for p in packages))
    module_name, _, name = target.rpartition(".")
    try:
        module = _import(module_name)
    except ImportError as error:
        raise refuse(f"cannot be imported: {error}") from error
    if module is None:
        raise refuse(f"there is no module {module_name}")
    found = getattr(module, name, None)
    if found is None:
        public = [n for n, value in vars(module).items() if inspect.isclass(value)]
        near = nearest(name, public)
        raise refuse(f"{module_name} has no {name}", nearest=near and f"{module_name}.{near}")
    by_user = _is_below(target, allow)
    if not inspect.isclass(found) and not (by_user and inspect.isfunction(found)):
        raise refuse("may not be called: it is no class")
    if not _is_below(str(found.__module__), packages):
        raise refuse(f"may not be called: it is defined in {found.__module__}")
    return found


def _is_below(name: str, packages: Sequence[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _import(name: str) -> Any | None:
    """The module of that name; None where there is none.

    Raises:
        ImportError: it is there, and something that it needs is not.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            return None
        raise


def build(node: Any, *, allow: Sequence[str] = (), **offers: Any) -> Any:
    """The object that a node describes, its parts first.

    A parameter annotated `Callable[..., X]` gets a factory, which its owner calls with the sizes it
    knows; any other gets the built object. Each `_target_` below takes those of the offers that its
    signature names and leaves the rest.

    Args:
        node: a config, or a plain dict, list or value.
        allow: packages that the user allows beside `ALLOWED`.
        **offers: arguments by name that are not in the config.

    Raises:
        UserError: a name is not allowed, an argument is unknown, missing or given twice.
    """
    values, key = _plain(node)
    return _Builder(allow).build(values, Any, offers, key)


def factory(node: Any, *, allow: Sequence[str] = (), **offers: Any) -> Callable[..., Any]:
    """What builds the object of a node when it is called with more offers."""
    values, key = _plain(node)
    return _Builder(allow).factory(values, offers, key)


def _plain(node: Any) -> tuple[Any, str]:
    """The node without OmegaConf, and its key in the whole config."""
    if isinstance(node, DictConfig | ListConfig):
        key = node._get_full_key(None) or ""
        return OmegaConf.to_container(node, resolve=True, throw_on_missing=True), key
    return node, ""


def check_keys(node: Mapping[str, Any], key: str, owner: str) -> list[Problem]:
    """Problems of the keys like `_partial_`, of which only `_target_` has a meaning."""
    return [
        Problem(key=join(key, name), message=f"has no meaning in a part ({owner})")
        for name in map(str, node)
        if name.startswith("_") and name.endswith("_") and name != "_target_"
    ]


def join(key: str, name: str) -> str:
    """The key of a child."""
    return f"{key}.{name}" if key else name


class _Builder:
    """Walks a node with the user's allow-list at hand."""

    def __init__(self, allow: Sequence[str]) -> None:
        self.allow = tuple(allow)

    def build(self, node: Any, annotation: Any, offers: Mapping[str, Any], key: str) -> Any:
        if isinstance(node, Mapping) and "_target_" in node:
            if annotations.slot_type(annotation) is not None:
                return self.factory(node, offers, key)
            return self.construct(node, offers, key)
        inner = annotations.item_type(annotation)
        if isinstance(node, Mapping):
            return {k: self.build(v, inner, offers, join(key, str(k))) for k, v in node.items()}
        if isinstance(node, list | tuple):
            items = [self.build(v, inner, offers, f"{key}[{i}]") for i, v in enumerate(node)]
            return annotations.convert(items, annotation)
        return annotations.convert(node, annotation)

    def factory(
        self, node: Mapping[str, Any], offers: Mapping[str, Any], key: str
    ) -> Callable[..., Any]:
        locate(node["_target_"], self.allow, join(key, "_target_"))  # a bad name fails early

        def make(**more: Any) -> Any:
            return self.construct(node, {**offers, **more}, key)

        return make

    def construct(self, node: Mapping[str, Any], offers: Mapping[str, Any], key: str) -> Any:
        target = locate(node["_target_"], self.allow, join(key, "_target_"))
        signature = annotations.signature_of(target)
        given = {str(k): v for k, v in node.items() if k != "_target_"}
        self._refuse(target, signature, given, offers, key)
        arguments = {
            name: self.build(value, signature.annotations.get(name, Any), offers, join(key, name))
            for name, value in given.items()
        }
        taken = {name: value for name, value in offers.items() if name in signature.annotations}
        try:
            return target(**arguments, **taken)
        except (ValueError, FileNotFoundError) as error:
            # Parts check what no signature can say: values that exclude each other, missing files.
            problem = Problem(key=key, given=target.__name__, message=str(error))
            raise UserError([problem]) from error

    def _refuse(
        self,
        target: Any,
        signature: annotations.Signature,
        given: Mapping[str, Any],
        offers: Mapping[str, Any],
        key: str,
    ) -> None:
        problems = check_keys(given, key, target.__name__)
        problems += unknown_arguments(target, signature, given, key, offers)
        for name in signature.annotations:
            if name in given and name in offers:
                message = f"{target.__name__} is given it by what uses it; leave it out"
                problems.append(
                    Problem(key=join(key, name), given=str(given[name]), message=message)
                )
            elif name in signature.required and name not in given and name not in offers:
                message = f"{target.__name__} needs it and nothing gives it"
                problems.append(Problem(key=join(key, name), message=message))
        if problems:
            raise ArgumentsError(problems)


def unknown_arguments(
    target: Any,
    signature: annotations.Signature,
    given: Mapping[str, Any],
    key: str,
    offers: Collection[str] = (),
) -> list[Problem]:
    """Problems of the keys that are no arguments of a `_target_`, or not the user's to give."""
    if signature.takes_any:
        return []
    allowed = sorted(set(signature.annotations) - set(offers))
    return [
        Problem(
            key=join(key, name),
            given=str(value),
            message=f"{target.__name__} has no argument {name}",
            allowed=tuple(allowed),
            nearest=nearest(join(key, name), [join(key, each) for each in allowed]),
        )
        for name, value in given.items()
        if name not in signature.annotations and not (name.startswith("_") and name.endswith("_"))
    ]
