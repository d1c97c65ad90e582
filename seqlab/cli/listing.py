"""seqlab list: what there is to choose from."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seqlab.config import catalog
from seqlab.config.errors import Problem, UserError, nearest

_WORDS = {"dataset": "data", "datasets": "data", "searches": "decoding"}
_FILTERS = ("task", "model")
_WIDTH = 140  # of lines that go to a file or a pipe


def run(arguments: list[str]) -> None:
    """Show everything, or one group, or what of it a task or a model has."""
    words = [word for word in arguments if "=" not in word]
    filters = dict(word.split("=", 1) for word in arguments if "=" in word)
    problems = _filter_problems(filters)
    if len(words) > 1:
        problems.append(Problem(key=words[1], message="is one word too many: list one group"))
    group = _group(words[0]) if words else None
    if words and group is None:
        problems.append(_unknown(words[0]))
    if problems:
        raise UserError(problems)
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    if group is not None:
        console.print(_group_table(group, filters))
        return
    tasks = [filters["task"]] if "task" in filters else _tasks_of(filters.get("model"))
    for task in tasks:
        console.print(_task_table(task, filters.get("model")))
    console.print(_common_table(tasks))
    console.print(Text("* is what the task chooses; seqlab train task=NAME KEY=NAME swaps", "dim"))


def _filter_problems(filters: dict[str, str]) -> list[Problem]:
    problems = []
    for key, name in filters.items():
        if key not in _FILTERS:
            message = "the list has no such filter"
            problems.append(Problem(key=key, given=name, message=message, allowed=_FILTERS))
        elif name not in catalog.names(key):
            known = catalog.names(key)
            message, near = f"there is no {key} of that name", nearest(name, known)
            problems.append(
                Problem(key=key, given=name, message=message, allowed=known, nearest=near)
            )
    return problems


def _group(word: str) -> str | None:
    """The group that a word means: `models` and `score` are `model` and `attention/score`."""
    for name in (word, _WORDS.get(word), word.removesuffix("s")):
        for group in catalog.groups():
            if name is not None and (group == name or group.rpartition("/")[2] == name):
                return group
    return None


def _unknown(word: str) -> Problem:
    """A word that is no group; perhaps it is a name in one."""
    groups = catalog.groups()
    for group in groups:
        if word in catalog.names(group):
            message = f"is a name, not a group: {group}={word}"
            return Problem(key=word, message=message, nearest=f"seqlab list {group}")
    near = nearest(word, [*groups, *(f"{group}s" for group in groups), *_WORDS])
    return Problem(key=word, message="there is no such group", allowed=groups, nearest=near)


def _tasks_of(model: str | None) -> list[str]:
    tasks = catalog.names("task")
    if model is None:
        return list(tasks)
    return [task for task in tasks if model in catalog.fitting(task, "model")]


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, no_wrap=column == "name")
    return table


def _task_table(task: str, model: str | None) -> Table:
    """A task, its models, its data sets and the parts that can be exchanged."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    described = catalog.describe("task", task).description
    table.add_row(Text("task", "dim"), Text(task, "bold cyan"), Text(described, "bold"))
    models = [m for m in catalog.fitting(task, "model") if model in (None, m)]
    _add(table, "model", models, catalog.default_of(task, "model"))
    _add(table, "data", catalog.fitting(task, "data"), catalog.default_of(task, "data"))
    for group, having in catalog.parts(task).items():
        if model is None or not having or model in having:
            some = having if set(having) < set(catalog.fitting(task, "model")) else ()
            default = catalog.default_of(task, group) or _default_part(task, models, group)
            _add(table, group, catalog.names(group), default, of=some)
    table.add_row()
    return table


def _default_part(task: str, models: Sequence[str], group: str) -> str | None:
    """What all models, or data sets, that mount a group mount there; None where they differ."""
    entries = [catalog.describe("model", model) for model in models]
    entries += [catalog.describe("data", data) for data in catalog.fitting(task, "data")]
    slots = [slot for entry in entries for slot in entry.slots]
    defaults = {slot.default for slot in slots if slot.group == group}
    return defaults.pop() if len(defaults) == 1 else None


def _add(
    table: Table, group: str, names: Sequence[str], default: str | None, of: Sequence[str] = ()
) -> None:
    """Rows of one group; `of` names the models that alone have it."""
    key = group.rpartition("/")[2]
    for at, name in enumerate(names):
        label = Text(key if at == 0 else "", "green")
        star = " *" if name == default else ""
        text = Text(catalog.describe(group, name).description)
        if of and at == 0:
            text.append(f"  (only in {', '.join(of)})", "dim")
        table.add_row(label, f"  {name}{star}", text)


def _common_table(tasks: Sequence[str]) -> Table:
    """Groups that belong to no task, their names only."""
    of_tasks = {"task", "model", "data"}.union(*(catalog.parts(task) for task in tasks))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for group in catalog.groups():
        if group not in of_tasks:
            table.add_row(Text(group, "green"), ", ".join(catalog.names(group)))
    return table


def _group_table(group: str, filters: dict[str, str]) -> Table:
    """The names of a group with what there is to say of each."""
    if group == "data":
        return _data_table(filters)
    table = _table("name", "what it is")
    names = _fitting(group, filters)
    if group == "model":
        table.add_column("parts")
    for name in names:
        entry = catalog.describe(group, name)
        row = [Text(name, "bold"), Text(entry.description)]
        if group == "model":
            row.append(Text(", ".join(slot.group for slot in entry.slots), "dim"))
        table.add_row(*row)
    return table


def _fitting(group: str, filters: dict[str, str]) -> Sequence[str]:
    """The names of a group that are left by the filters."""
    task = filters.get("task")
    if group in ("model", "data") and task is not None:
        return catalog.fitting(task, group)
    return catalog.names(group)


def _data_table(filters: dict[str, str]) -> Table:
    table = _table("name", "what it is", "size", "tasks")
    for name in _fitting("data", filters):
        entry = catalog.describe("data", name)
        tasks = [t for t in catalog.names("task") if name in catalog.fitting(t, "data")]
        size = Text(entry.header.get("size", ""))
        table.add_row(Text(name, "bold"), Text(entry.description), size, ", ".join(tasks))
    return table
