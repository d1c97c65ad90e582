"""seqlab completion: a shell asks `seqlab completion candidates WORDS...` what may come next."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seqlab.cli.usage import USAGES
from seqlab.cli.words import SHORTHANDS
from seqlab.config import catalog, schema
from seqlab.config.errors import Problem, UserError, nearest

_BASH = """\
_seqlab() {
    # Bash breaks words at =, so it is given the line, and gets back what follows the last =.
    local IFS=$'\\n' line="${COMP_LINE:0:COMP_POINT}"
    COMPREPLY=($(seqlab completion line "$line" 2>/dev/null))
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=.] ]] && compopt -o nospace
}
complete -o default -F _seqlab seqlab
"""
_ZSH = """\
_seqlab() {
    local -a found
    found=(${(f)"$(seqlab completion candidates "${(@)words[1,CURRENT]}" 2>/dev/null)"})
    (( ${#found} )) && compadd -Q -S '' -a found || _files
}
compdef _seqlab seqlab
"""
_FISH = """\
complete -c seqlab -a \\
    '(seqlab completion candidates (commandline -opc) (commandline -ct) 2>/dev/null)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
_TRAINING = ("train", "check", "sweep")


def run(arguments: list[str]) -> None:
    """Print the script of a shell, or the candidates for one that asks."""
    action, *words = arguments or [""]
    if action == "candidates":
        print("\n".join(candidates(words)))
    elif action == "line":
        line = words[0] if words else ""
        split = [*line.split(), ""] if line.endswith(" ") else line.split()
        last = split[-1] if split else ""
        cut = last.rfind("=") + 1
        print("\n".join(candidate[cut:] for candidate in candidates(split)))
    elif action in SCRIPTS and not words:
        print(SCRIPTS[action], end="")
    else:
        near, message = nearest(action, SCRIPTS), "is no shell that seqlab knows"
        allowed = tuple(SCRIPTS)
        problem = Problem(key=action or "shell", message=message, allowed=allowed, nearest=near)
        raise UserError([problem])


def candidates(words: Sequence[str]) -> list[str]:
    """What the last word may become.

    Args:
        words: of the command line, `seqlab` first, the last one begun or empty.
    """
    current = words[-1] if words else ""
    if len(words) <= 2:
        found: Iterator[str] = iter([*USAGES, "--help", "--version"])
    elif current.startswith("-"):
        found = iter(["--help", *SHORTHANDS.get(words[1], ())])
    elif words[1] in schema.SCHEMAS or words[1] == "check":
        found = _settings(words[1], words[2:-1], current)
    else:
        found = iter(_arguments(words[1], words[2:-1], current))
    return sorted({candidate for candidate in found if candidate.startswith(current)})


def _arguments(verb: str, before: Sequence[str], current: str) -> list[str]:
    """Of the verbs that compose nothing."""
    if verb == "completion":
        return [*SCRIPTS] if not before else []
    if verb == "data":
        if not before:
            return ["list", "get", "check"]
        return [*catalog.names("data")] if before[0] in ("get", "check") else []
    if "=" in current:
        return _choices(current.partition("=")[0], {})
    return ["task=", "model=", *catalog.groups()]


def _settings(verb: str, before: Sequence[str], current: str) -> Iterator[str]:
    """Of the verbs that compose a config: groups with their names, and keys."""
    chosen = dict(word.split("=", 1) for word in before if "=" in word)
    verbs = ("train", "sweep") if verb == "sweep" else ("train" if verb == "check" else verb,)
    if "=" in current:
        key = current.partition("=")[0]
        yield from (f"{key}={w}" for name in verbs for w in schema.choices(name).get(key, ()))
        if verb == "features":  # which data, the run says; it is of clips
            chosen["task"] = "video_classification"
        yield from _choices(key, chosen)
        return
    keys = [key for name in verbs for key in schema.keys(name)]
    roots = {group for name in verbs for group in catalog.root_groups(name)}
    keys += _nested_keys(roots, chosen) if verb in _TRAINING else []
    if "." in current:
        yield from (f"{key}=" for key in keys if "." in key)
        return
    yield from (f"{key}=" for key in keys if "." not in key)
    yield from {f"{key.partition('.')[0]}." for key in keys if "." in key}
    yield from (f"{group}=" for group in roots)
    if verb in _TRAINING:
        parts = catalog.parts(_task(chosen))
        model = chosen.get("model")
        for group, models in parts.items():
            if not models or model is None or model in models:
                yield f"{group.rpartition('/')[2]}="


def _task(chosen: Mapping[str, str]) -> str:
    """The task that was chosen, or the one that is trained without a choice."""
    default = {slot.group: slot.default for slot in catalog.primary("train").slots}.get("task")
    task = chosen.get("task", default)
    return task if task in catalog.names("task") else str(default)


def _choices(key: str, chosen: Mapping[str, str]) -> list[str]:
    """`key=name` for each name of the group that a key means."""
    if key in ("model", "data"):
        return [f"{key}={name}" for name in catalog.fitting(_task(chosen), key)]
    wanted = key.partition("@")[0]
    for group in catalog.groups():
        if group == wanted or group.endswith(f"/{wanted}"):
            return [f"{key}={name}" for name in catalog.names(group)]
    return []


def _nested_keys(roots: set[str], chosen: Mapping[str, str]) -> list[str]:
    """Dotted keys of the chosen yaml files, those of mounted parts included."""
    task = catalog.describe("task", _task(chosen))
    defaults = {slot.group: slot.default for slot in catalog.primary("train").slots}
    defaults |= {slot.group: slot.default for slot in task.slots if slot.is_root}
    keys = list(_keys_of(task, "", chosen))
    for group in sorted(roots - {"task", "experiment", "debug"}):
        name = chosen.get(group, defaults.get(group))
        if name in catalog.names(group):
            keys += _keys_of(catalog.describe(group, str(name)), f"{group}.", chosen)
    return keys


def _keys_of(entry: catalog.Entry, prefix: str, chosen: Mapping[str, str]) -> Iterator[str]:
    yield from _flat(entry.values, prefix)
    for slot in entry.slots:
        name = chosen.get(slot.group.rpartition("/")[2], slot.default)
        if not slot.is_root and name in catalog.names(slot.group):
            part = catalog.describe(slot.group, str(name))
            yield from _keys_of(part, f"{prefix}{slot.package}.", chosen)


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        elif name != "_target_":
            yield f"{prefix}{name}"
