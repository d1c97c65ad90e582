"""How a command that failed says so: one panel, no traceback."""

import errno
import os
import sys
import traceback

from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from seqlab.config.errors import Problem, UserError, render

TRACEBACK = "SEQLAB_TRACEBACK"  # set to 1 it shows the traceback of any failure


def show(error: Exception) -> int:
    """Tell what happened on standard error; the exit status."""
    from seqlab.data.errors import DataError

    if os.environ.get(TRACEBACK, "0") not in ("", "0"):
        traceback.print_exception(error)
    if isinstance(error, UserError):
        _print_problems(error.problems)
        return 2
    if isinstance(error, DataError):
        _print("the data cannot be used", str(error))
        return 2
    _print("seqlab stopped", "\n".join(_story(error)))
    return 1


def _story(error: Exception) -> list[str]:
    """What a person wants to know of an unforeseen failure."""
    name, text = type(error).__name__, str(error).strip()
    lines = [f"{name}: {text}" if text else name]
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        lacking = f": {error.filename} is not written" if error.filename else ""
        lines = [f"the disk is full{lacking} ({error.strerror})"]
    log_path = getattr(error, "log_path", None)
    if log_path is not None:
        lines.append(f"The traceback is in {log_path}")
    else:
        lines.append(f"{TRACEBACK}=1 before the command shows the traceback")
    return lines


def _print_problems(problems: tuple[Problem, ...]) -> None:
    unique = tuple(dict.fromkeys(problems))
    title = "1 problem" if len(unique) == 1 else f"{len(unique)} problems"
    console = Console(stderr=True)
    if not console.is_terminal:
        print(f"{title}:\n\n{render(unique)}", file=sys.stderr)
        return
    blocks = [_block(problem, last=problem is unique[-1]) for problem in unique]
    console.print(Panel(Group(*blocks), title=title, border_style="red", title_align="left"))


def _block(problem: Problem, *, last: bool) -> Text:
    text = Text.assemble((problem.key, "bold"), ": ", problem.message)
    for label, value in problem.details():
        style = "green" if label == "did you mean" else ""
        text.append(f"\n  {label}: ", style="dim").append(value, style=style)
    return text if last else text.append("\n")


def _print(title: str, text: str) -> None:
    console = Console(stderr=True)
    if not console.is_terminal:
        print(f"{title}:\n\n{text}", file=sys.stderr)
        return
    console.print(Panel(Text(text), title=title, border_style="red", title_align="left"))
