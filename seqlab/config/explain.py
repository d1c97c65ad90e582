"""Why an override cannot be, in the user's words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException, ValidationError

from seqlab.config import annotations, catalog
from seqlab.config.build import locate
from seqlab.config.errors import Problem, UserError, nearest
from seqlab.config.parts import SUPPLIED

Choices = Mapping[str, str | None]


def syntax(text: str, error: str) -> Problem:
    """An override that is not in Hydra's grammar."""
    if "=" not in text.lstrip("="):
        for group in catalog.groups():
            if text in catalog.names(group):
                message = "is no setting: write key=value"
                return Problem(key=text, message=message, nearest=f"{group}={text}")
        return Problem(key=text, message="is no setting: write key=value")
    key, _, value = text.partition("=")
    reason = error.splitlines()[0]
    if reason.startswith("Error parsing override"):
        reason = error.splitlines()[1]
    message = f"cannot be read ({reason}); quote what holds = , [ ] {{ }} or ( ): \"{key}='...'\""
    return Problem(key=key, given=value, message=message)


def choice(override: Override, group: str) -> Problem | None:
    """A choice that its group does not have; None where it has it."""
    known, key = catalog.names(group), override.get_key_element().lstrip("+~")
    given = override.value()
    values = given if isinstance(given, list) else [given]
    unknown = [str(value) for value in values if value is not None and str(value) not in known]
    if not unknown or override.is_sweep_override():
        return None
    return Problem(
        key=key,
        given=unknown[0],
        message=f"there is no {group} of that name",
        allowed=known,
        nearest=nearest(unknown[0], known),
    )


def slots(override: Override, keys: list[str], owner: str, choices: Choices) -> Problem:
    """A part named by its group where no slot, or more than one, takes it."""
    name, given = override.key_or_group, _given(override)
    if keys:
        message = f"{owner} has {len(keys)} slots for it: say which"
        allowed = tuple(f"{key}={given}" for key in sorted(keys))
        return Problem(key=name, given=given, message=message, allowed=allowed)
    there = sorted({key.partition("@")[0] for key in choices if "@" in key})
    message = f"{owner} has no slot for it"
    if there:
        message += f"; its parts are {', '.join(there)}"
    task = choices.get("task")
    if task is not None and task in catalog.names("task"):
        having = [m for group, m in catalog.parts(task).items() if _ends(group, name) and m]
        models = sorted({model for models in having for model in models})
        if models:
            message += f"; models of {task} with such a slot: {', '.join(models)}"
    return Problem(key=name, given=given, message=message)


def _ends(group: str, name: str) -> bool:
    return group == name or group.endswith(f"/{name}")


def failure(
    override: Override,
    error: BaseException,
    config: DictConfig,
    choices: Choices,
    hints: Mapping[str, Any],
) -> Problem:
    """An override that Hydra refuses.

    Args:
        override: the one that is refused.
        error: what Hydra raised.
        config: what composes without it.
        choices: the yaml of each group in that config.
        hints: types of the top-level keys.
    """
    key, given = override.get_key_element().lstrip("+~"), _given(override)
    if override.is_sweep_override():
        return Problem(key=key, given=given, message="has several values; seqlab sweep runs each")
    group = override.key_or_group
    is_group = group in catalog.groups() or group in choices
    problem = choice(override, group) if is_group else None
    if problem is not None:
        return problem
    if isinstance(error.__cause__, ValidationError):
        return _wrong_type(key, given, str(error.__cause__), hints)
    if override.package is not None and not any(k.partition("@")[0] == group for k in choices):
        return slots(override, [], str(choices.get("model") or choices.get("task")), choices)
    if override.package is not None or override.is_delete():
        known = tuple(sorted(k for k in choices if k.partition("@")[0] == group)) or tuple(choices)
        near = nearest(key, known)
        return Problem(
            key=key, given=given, message="there is no such slot", allowed=known, nearest=near
        )
    if override.is_add() and group in catalog.groups():
        message = f"nothing takes it there; {group}={given}, without the plus, puts it in its slot"
        return Problem(key=key, given=given, message=message)
    if _exists(config, key):
        message = str(error).splitlines()[0]
        if isinstance(override.value(), dict):
            message = f"takes new keys one by one: +{key}.NAME=VALUE"
        return Problem(key=key, given=given, message=message)
    return _unknown_key(key, given, config, choices)


def _given(override: Override) -> str | None:
    return str(override.input_line).partition("=")[2] or None


def _wrong_type(key: str, given: str | None, cause: str, hints: Mapping[str, Any]) -> Problem:
    hint: Any = hints.get(key.partition(".")[0], Any)
    for name in key.split(".")[1:]:
        hint = getattr(hint, "__annotations__", {}).get(name, Any)
    allowed = annotations.describe(hint)
    message = "is of the wrong type" if allowed else cause.splitlines()[0]
    return Problem(key=key, given=given, message=message, allowed=allowed)


def _exists(config: DictConfig, key: str) -> bool:
    return key in set(_keys(config))


def _keys(node: Any, prefix: str = "") -> Iterator[str]:
    """All dotted keys of a config."""
    if not isinstance(node, DictConfig) or node._is_none() or node._is_missing():
        return
    for name in map(str, node):
        key = f"{prefix}{name}"
        if name != "_target_" and key != "choices":
            yield key
            child = node._get_node(name)
            yield from _keys(child, f"{key}.")


def _unknown_key(key: str, given: str | None, config: DictConfig, choices: Choices) -> Problem:
    known = list(_keys(config))
    parent, _, last = key.rpartition(".")
    if parent and parent in known:
        if parent.partition(".")[0] == "model" and last in _supplied_sizes(config):
            return Problem(key=key, given=given, message=SUPPLIED)
        below = [k for k in known if k.rpartition(".")[0] == parent]
        near = nearest(key, below) or _ending(last, known)
        allowed = tuple(sorted(k.removeprefix(f"{parent}.") for k in below))
        message = f"{parent} has no setting {last}"
        return Problem(key=key, given=given, message=message, allowed=allowed, nearest=near)
    groups = {k.partition("@")[0] for k in choices}
    near = _ending(key, known) or nearest(key, [*known, *groups])
    allowed = tuple(sorted({k for k in known if "." not in k} | groups))
    return Problem(
        key=key, given=given, message="there is no such setting", allowed=allowed, nearest=near
    )


def _supplied_sizes(config: DictConfig) -> frozenset[str]:
    """Sizes that the data gives to a model of the task; none where the task is not to be found."""
    try:
        return frozenset(locate(config.task._target_, config.get("allow") or ()).supplied_sizes)
    except (AttributeError, OmegaConfBaseException, UserError):
        return frozenset()


def _ending(last: str, known: Sequence[str]) -> str | None:
    """The shallowest key that ends in a name."""
    return min(
        (k for k in known if k.endswith(f".{last}")), key=lambda k: k.count("."), default=None
    )
