"""What a run says: on the screen, and the same words in its log."""

import logging
import shlex
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from seqlab.tasks.tables import Table as TaskTable

log = logging.getLogger("seqlab.run")

_LINE_SECONDS = 5.0  # between lines about something that takes a while

_FULL = (0, 90, 160)  # the ground of a cell of shade 1
_FAINTEST, _DARK = 0.02, 0.5  # shades from which on a ground is seen, and is dark


class Screen:
    """Lines and tables for a person, kept in the log too.

    Args:
        quiet: whether nothing is shown: the other processes of a run say nothing.
        console: where to; the standard output by default.
    """

    def __init__(self, *, quiet: bool = False, console: Console | None = None) -> None:
        self.console = console or Console(quiet=quiet, highlight=False, soft_wrap=True)

    @property
    def is_terminal(self) -> bool:
        """Whether lines can be drawn over."""
        return self.console.is_terminal and not self.console.quiet

    def line(self, text: str, style: str | None = None) -> None:
        """Say one line."""
        self.console.print(Text(text, style=style or ""))
        log.info("%s", text)

    @contextmanager
    def counting(self, what: str) -> Iterator[Callable[[int, int], None]]:
        """Show how far something is that takes a while, told how much is done and of how much.

        A bar with speed and time left on a terminal, a line now and then elsewhere; nothing where
        all is done at the first word.
        """
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.is_terminal,
        )
        began = said = time.monotonic()
        row = bar.add_task(what, total=None, speed="")

        def tell(done: int, total: int) -> None:
            nonlocal said
            now = time.monotonic()
            speed = f"{done / max(now - began, 1e-9):.0f}/s"
            bar.update(row, completed=done, total=total, speed=speed)
            if not self.is_terminal and now - said > _LINE_SECONDS and done < total:
                said = now
                left = format_seconds((total - done) * (now - began) / max(done, 1))
                self.line(f"{what}: {done}/{total}  {speed}  {left} left")

        with bar:
            yield tell

    def panel(self, text: str, title: str, style: str = "yellow") -> None:
        """Say something that must not be missed."""
        self.console.print(Panel(Text(text), title=title, title_align="left", border_style=style))
        log.info("%s: %s", title, text)

    def metrics_table(
        self, metrics: Mapping[str, Any], title: str, tables: Sequence[TaskTable] = ()
    ) -> None:
        """Show metrics, one row for each, one column for each split.

        Args:
            metrics: by split and name.
            title: above them.
            tables: of the task, which are shown below and hold some of the metrics.
        """
        elsewhere = {name for each in tables for name in each.metrics}
        splits = [
            split
            for split in ("train", "val", "test")
            if any(name.startswith(f"{split}/") for name in metrics)
        ]
        names = dict.fromkeys(
            name.split("/", 1)[1] for name in metrics if "/" in name and name not in elsewhere
        )
        table = Table(title=title, title_justify="left")
        table.add_column("metric")
        for split in splits:
            table.add_column(split, justify="right")
        for name in names:
            values = [metrics.get(f"{split}/{name}", "") for split in splits]
            if any(isinstance(value, str) and value for value in values):
                continue  # a signature: it explains a number and is in metrics.json
            table.add_row(name, *map(format_value, values))
        self.console.print(table)
        for name, value in metrics.items():
            if isinstance(value, str):
                self.console.print(Text(f"{name}: {value}", style="dim"))
            log.info("%s %s", name, value)
        for each in tables:
            self.table(each)

    def table(self, table: TaskTable) -> None:
        """Show a table of a task."""
        shown = Table(title=table.title and Text(table.title), title_justify="left")
        for number, name in enumerate(table.columns):
            shown.add_column(Text(name), justify="right" if number else "left")
        for row in table.rows:
            shown.add_row(*(Text(cell.text, _ground(cell.shade)) for cell in row))
        self.console.print(shown)

    def what_next(self, run: Path, example_input: str) -> None:
        """Say what can be done with a trained run."""
        self.commands(
            [
                ["seqlab", "eval", f"run={run}", "split=val"],
                ["seqlab", "predict", f"run={run}", f"input={example_input}"],
            ]
        )

    def commands(self, commands: Sequence[Sequence[str]]) -> None:
        """Say what can be done next."""
        self.console.print("next:")
        for words in commands:
            self.console.print(Text(f"  {shlex.join(words)}", style="cyan"))


def _ground(shade: float) -> str:
    """The style of a cell: from none over pale to full blue, with ink that can be read on it."""
    if shade < _FAINTEST:
        return ""
    red, green, blue = (round(255 + shade * (full - 255)) for full in _FULL)
    return f"{'white' if shade > _DARK else 'black'} on rgb({red},{green},{blue})"


def format_value(value: Any) -> str:
    """A number with the digits that matter."""
    if isinstance(value, int) or not isinstance(value, float):
        return str(value)
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.4g}"


def format_seconds(seconds: float) -> str:
    """A duration: 0:07, 12:30, 1:02:03."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Send what seqlab, Lightning and warnings say to a run's log; Lightning to nowhere else.

    Warnings that seqlab's own code gives are shown as well: a skipped image must not be missed.
    """
    shown = logging.StreamHandler()
    shown.addFilter(lambda record: record.levelno == logging.WARNING)
    shown.setFormatter(logging.Formatter("warning: %(message)s"))
    handler = _LogFile(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root, ours = logging.getLogger(), logging.getLogger("seqlab")
    names = ("lightning", "lightning.pytorch", "lightning.fabric")
    theirs = [logging.getLogger(name) for name in names]
    before = [(each, each.handlers[:], each.propagate) for each in theirs]
    level, show = ours.level, warnings.showwarning
    root.addHandler(handler)
    ours.addHandler(shown)
    ours.setLevel(logging.INFO)
    for each in theirs:
        each.handlers, each.propagate = [], True
    warnings.showwarning = _keep_warning
    try:
        yield
    finally:
        warnings.showwarning = show
        ours.setLevel(level)
        for each, handlers, propagate in before:
            each.handlers, each.propagate = handlers, propagate
        ours.removeHandler(shown)
        root.removeHandler(handler)
        with suppress(OSError):  # it has said that it cannot be written
            handler.close()


class _LogFile(logging.FileHandler):
    """A log; that it cannot be written is said once, and is no reason to stop."""

    failed = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        """Where a record could not be written."""
        if not self.failed:
            self.failed = True
            text = f"warning: {self.baseFilename} cannot be written: {sys.exception()}"
            Console(stderr=True, highlight=False).print(Text(text, style="yellow"))


def _keep_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    logging.getLogger("warnings").warning(
        "%s (%s, %s:%d)", message, category.__name__, filename, lineno
    )
    if f"{Path(__file__).parents[1]}/" in filename:
        Console(stderr=True, highlight=False).print(Text(f"warning: {message}", style="yellow"))
