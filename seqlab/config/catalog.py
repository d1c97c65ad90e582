"""What there is to choose from, read from conf/ and the sources without importing either's parts.

Completion, `seqlab list` and error messages use it, so it needs no torch, no hydra and little time.
"""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_PACKAGE = Path(__file__).resolve().parents[1]
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_HEADER = re.compile(r"#\s?([a-z_0-9]+):\s+(.*\S)\s*$")
_CONTINUED = re.compile(r"#\s{2,}(\S.*?)\s*$")

# What of a class says that it belongs to a task, by the group of its yaml.
_BELONGS_BY = {"model": "interface", "data": "batch_type"}


@dataclass(frozen=True)
class Slot:
    """A place in a yaml where a part of some group is mounted.

    Args:
        group: folder below conf/ whose names may stand there.
        package: key of the place, relative to the yaml that mounts it.
        default: the name that stands there, None for none.
        is_root: whether the group's own name is the place (`- /model: show_tell`).
    """

    group: str
    package: str
    default: str | None
    is_root: bool


@dataclass(frozen=True)
class Entry:
    """What a yaml says of itself.

    Args:
        group: folder below conf/.
        name: file name without its ending.
        description: the first comment line.
        header: the lines `# key: value` that follow it.
        target: its `_target_`, None where it has none.
        values: its content without the defaults list.
        slots: where it mounts parts.
    """

    group: str
    name: str
    description: str
    header: dict[str, str]
    target: str | None
    values: dict[str, Any]
    slots: tuple[Slot, ...]


def conf_dir() -> Path:
    """The folder of the configs: inside an installed package, beside it in a checkout."""
    installed = _PACKAGE / "conf"
    return installed if installed.is_dir() else _PACKAGE.parent / "conf"


def groups() -> tuple[str, ...]:
    """All groups that have a yaml, `attention/score` and the like included."""
    return _groups(conf_dir())


@cache
def _groups(folder: Path) -> tuple[str, ...]:
    found = {path.parent.relative_to(folder).as_posix() for path in folder.rglob("*.yaml")}
    return tuple(sorted(found - {"."}))


def names(group: str) -> tuple[str, ...]:
    """The names in a group."""
    return tuple(sorted(path.stem for path in (conf_dir() / group).glob("*.yaml")))


def describe(group: str, name: str) -> Entry:
    """What the yaml of a name in a group says of itself.

    Raises:
        FileNotFoundError: there is no such yaml.
    """
    return _describe(conf_dir(), group, name)


def primary(verb: str) -> Entry:
    """What the yaml of a verb says of itself."""
    return _describe(conf_dir(), "", verb)


@cache
def _describe(folder: Path, group: str, name: str) -> Entry:
    text = (folder / group / f"{name}.yaml").read_text(encoding="utf-8")
    description, header = _read_header(text)
    content: Any = yaml.load(text, Loader=_LOADER)
    values = dict(content) if isinstance(content, dict) else {}
    defaults = values.pop("defaults", None) or []
    slots = _slots(group, defaults)
    for item in defaults:
        if isinstance(item, str) and (folder / group / f"{item}.yaml").is_file():
            base = _describe(folder, group, item)  # `- default`: goes on from a yaml beside it
            values, slots = {**base.values, **values}, (*base.slots, *slots)
    target = values.get("_target_")
    if group == "task":  # its content is global; the task itself stands under its own key
        target = (values.get("task") or {}).get("_target_")
    return Entry(group, name, description, header, target, values, slots)


def _read_header(text: str) -> tuple[str, dict[str, str]]:
    """The first comment and the `# key: value` lines below it, which may go on indented."""
    description, header, last = "", dict[str, str](), None
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        if line.lstrip("# ").startswith("@package"):
            continue
        if not description:
            description = line.lstrip("# ").strip()
        elif match := _HEADER.match(line):
            last = match[1]
            header[last] = match[2]
        elif last is not None and (match := _CONTINUED.match(line)):
            header[last] += f" {match[1]}"
    return description, header


def _slots(group: str, defaults: list[Any]) -> tuple[Slot, ...]:
    slots = []
    for item in defaults:
        if not isinstance(item, dict):
            continue  # _self_, or another config by its path
        ((key, default),) = item.items()
        words = str(key).split()
        if "override" in words:
            continue  # changes a slot that another yaml has
        path, _, package = words[-1].partition("@")
        mounted = path.removeprefix("/") if path.startswith("/") or not group else f"{group}/{path}"
        is_root = not package and (path.startswith("/") or not group)
        place = package or mounted.rpartition("/")[2]
        slots.append(Slot(mounted, place, None if default is None else str(default), is_root))
    return tuple(slots)


def root_groups(verb: str) -> frozenset[str]:
    """Groups that a verb takes by their own name: `model`, but not `attention`."""
    slots = list(primary(verb).slots)
    if any(slot.group == "task" for slot in slots):
        slots += [slot for task in names("task") for slot in describe("task", task).slots]
    return frozenset(slot.group for slot in slots if slot.is_root)


def default_of(task: str, group: str) -> str | None:
    """The name that a task's yaml takes from a group."""
    slots = describe("task", task).slots
    return next((slot.default for slot in slots if slot.group == group), None)


def fitting(task: str, group: str) -> tuple[str, ...]:
    """The models, or the data sets, that belong to a task, by what their classes say.

    Args:
        task: name of a task.
        group: `model` or `data`.
    """
    wanted = _attribute(describe("task", task).target, _BELONGS_BY[group])
    if wanted is None:
        return ()
    entries = [describe(group, name) for name in names(group)]
    return tuple(entry.name for entry in entries if _belongs(entry, wanted))


def _belongs(entry: Entry, wanted: str) -> bool:
    if entry.group == "data":
        return _attribute(entry.target, _BELONGS_BY["data"]) == wanted
    definition = _class(entry.target)
    return definition is not None and wanted in {_last_name(base) for base in definition.bases}


def parts(task: str) -> dict[str, tuple[str, ...]]:
    """Groups of the parts that can be exchanged in a task, and in which of its models.

    A part that the task itself mounts (its decoding, say) or its data is in no model.
    """
    found: dict[str, list[str]] = {}
    for model in fitting(task, "model"):
        for group in _nested(describe("model", model)):
            found.setdefault(group, []).append(model)
    for slot in describe("task", task).slots:
        if not slot.is_root:
            found.setdefault(slot.group, [])
    for data in fitting(task, "data"):
        for group in _nested(describe("data", data)):
            found.setdefault(group, [])
    return {group: tuple(models) for group, models in sorted(found.items())}


def _nested(entry: Entry) -> set[str]:
    """Groups that a yaml mounts, and those that any choice of them mounts in turn."""
    found: set[str] = set()
    waiting = [entry]
    while waiting:
        for group in {slot.group for slot in waiting.pop().slots} - found:
            found.add(group)
            waiting += [describe(group, name) for name in names(group)]
    return found


def _attribute(target: str | None, name: str) -> str | None:
    """The name that a class body gives to an attribute: `interface = CaptioningModel`."""
    definition = _class(target)
    for statement in definition.body if definition is not None else []:
        if isinstance(statement, ast.Assign):
            assigned: list[ast.expr] = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            assigned = [statement.target]
        else:
            continue
        if any(isinstance(place, ast.Name) and place.id == name for place in assigned):
            return _last_name(statement.value)
    return None


def _last_name(node: ast.expr | None) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


@cache
def _class(target: str | None) -> ast.ClassDef | None:
    """The source of a class of seqlab; None where it is not found."""
    module, _, name = (target or "").rpartition(".")
    first, *below = module.split(".")
    path = _PACKAGE.joinpath(*below).with_suffix(".py")
    if first != "seqlab" or not path.is_file():
        return None
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.ClassDef) and statement.name == name:
            return statement
    return None
