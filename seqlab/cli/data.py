"""seqlab data: which data sets are here, and how to get and check them."""

import os
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from seqlab.config import catalog
from seqlab.config.errors import Problem, UserError, nearest

_ACTIONS = ("list", "get", "check")


def run(arguments: list[str]) -> int:
    """List, get or check data sets."""
    words = [word for word in arguments if "=" not in word]
    settings = dict(word.split("=", 1) for word in arguments if "=" in word)
    folder = Path(settings.pop("paths.data", os.environ.get("SEQLAB_DATA", "./data")))
    problems = [
        Problem(key=key, given=given, message="seqlab data has no such setting: paths.data=DIR")
        for key, given in settings.items()
    ]
    action, *names = words or ["list"]
    if action not in _ACTIONS:
        near, message = nearest(action, _ACTIONS), "seqlab data cannot do that"
        problems.append(Problem(key=action, message=message, allowed=_ACTIONS, nearest=near))
    elif action == "list" and names:
        problems.append(Problem(key=names[0], message="is one word too many: seqlab data list"))
    elif action != "list":
        problems += _name_problems(action, names)
    if problems:
        raise UserError(problems)
    if action == "list":
        _show(folder)
        return 0
    return _get(names[0], folder) if action == "get" else _check(names[0], folder)


def _name_problems(action: str, names: list[str]) -> list[Problem]:
    known = catalog.names("data")
    if len(names) != 1:
        message = f"takes the name of one data set: seqlab data {action} NAME"
        return [Problem(key=action, message=message, allowed=known)]
    if names[0] in known:
        return []
    near, message = nearest(names[0], known), "there is no data set of that name"
    return [Problem(key=names[0], message=message, allowed=known, nearest=near)]


def state(name: str, folder: Path) -> str:
    """Whether a data set is here: `generated`, `here`, `incomplete` or `not here`."""
    header = catalog.describe("data", name).header
    if "folder" not in header:
        return "generated"
    place = folder / header["folder"]
    files = header.get("files", "").split()
    if not place.is_dir():
        return "not here"
    return "here" if all((place / file).exists() for file in files) else "incomplete"


def _show(folder: Path) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("name", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for column in ("what it is", "size", "licence"):
        table.add_column(column)
    styles = {"here": "green", "generated": "green", "incomplete": "yellow", "not here": "dim"}
    for name in catalog.names("data"):
        entry, found = catalog.describe("data", name), state(name, folder)
        about = [entry.description, entry.header.get("size", ""), entry.header.get("licence", "")]
        table.add_row(Text(name, "bold"), Text(found, styles[found]), *map(Text, about))
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    console.print(table)
    console.print(f"Data sets lie in {folder} (paths.data=DIR or SEQLAB_DATA).", soft_wrap=True)


def _get(name: str, folder: Path) -> int:
    from seqlab.data.download import get

    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        bar = progress.add_task(name, total=None, visible=False)

        def advance(done: int, total: int) -> None:
            progress.update(bar, completed=done, total=total or None, visible=True)

        get(name, folder, report=progress.console.print, on_progress=advance)
    return 0


def _check(name: str, folder: Path) -> int:
    """Files and counts as the yaml promises them, then every picture to its end."""
    from seqlab.cli import composing
    from seqlab.config.build import build
    from seqlab.data import download
    from seqlab.data.errors import DataError

    header = catalog.describe("data", name).header
    if "folder" in header:
        problems = download.check(header, folder / header["folder"])
        if problems:
            raise DataError(problems, f"seqlab data get {name}, or see seqlab data list")
    task = next((t for t in catalog.names("task") if name in catalog.fitting(t, "data")), None)
    if task is None:
        raise UserError([Problem(key=name, message="belongs to no task")])
    overrides = [f"task={task}", f"data={name}", f"paths.data={folder}"]
    datamodule = build(composing.checked("train", overrides).config.data)
    columns = (TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as progress:
        bar = progress.add_task(name, total=None)
        problems = datamodule.check(
            lambda done, total: progress.update(bar, completed=done, total=total)
        )
    if problems:
        raise DataError(problems)
    print(f"{name} is whole")
    return 0
