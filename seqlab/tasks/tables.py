"""Tables that a task wants shown; how they look is the screen's affair."""

from typing import NamedTuple


class Cell(NamedTuple):
    """What stands in one place of a table."""

    text: str
    shade: float = 0.0  # 0 to 1, how dark the ground is


class Table(NamedTuple):
    """Rows under headings; the first column is text, the others are numbers or marks."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    metrics: tuple[str, ...] = ()  # names of the metrics that stand in it, so that no other need
