"""What a run says."""

import io
import logging
import warnings
from pathlib import Path

import pytest
from rich.console import Console

from seqlab.run.screen import Screen, format_seconds, format_value, logging_to
from seqlab.tasks.tables import Cell, Table


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (7.4, "0:07"), (59.6, "1:00"), (750, "12:30"), (3723, "1:02:03"), (-5, "0:00")],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5000"), (0.0, "0.0000"), (12345.6, "1.235e+04"), (2e-5, "2e-05"), (3, "3")],
)
def test_numbers(value: float, text: str) -> None:
    assert format_value(value) == text


def test_a_table_has_a_column_for_each_split_and_the_signatures_below() -> None:
    out = io.StringIO()
    screen = Screen(console=Console(file=out, width=80))
    metrics = {"val/loss": 0.5, "test/loss": 0.25, "test/bleu_signature": "ptb", "epoch": 3}
    screen.metrics_table(metrics, "best checkpoint")
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert ["┃", "metric", "┃", "val", "┃", "test", "┃"] in lines
    assert ["│", "loss", "│", "0.5000", "│", "0.2500", "│"] in lines
    assert ["test/bleu_signature:", "ptb"] in lines


def errors() -> Table:
    rows = ((Cell("one fact"), Cell("12.5", shade=0.125)), (Cell("[two]"), Cell("100", shade=1.0)))
    return Table("errors", ("task", "error %"), rows, metrics=("test/error_one", "test/error_two"))


def test_what_stands_in_a_table_of_the_task_stands_in_no_other() -> None:
    out = io.StringIO()
    screen = Screen(console=Console(file=out, width=80))
    metrics = {"val/error": 0.5, "test/error": 0.25, "test/error_one": 0.125, "test/error_two": 1.0}
    screen.metrics_table(metrics, "best checkpoint", [errors()])
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert ["│", "error", "│", "0.5000", "│", "0.2500", "│"] in lines
    assert ["│", "one", "fact", "│", "12.5", "│"] in lines
    assert ["│", "[two]", "│", "100", "│"] in lines
    assert "error_one" not in out.getvalue()
    screen.metrics_table(metrics, "best checkpoint")
    assert "error_one" in out.getvalue()


def test_shades_lie_on_the_ground_of_a_cell() -> None:
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, color_system="truecolor")
    Screen(console=console).table(errors())
    # SGR 48;2 is a ground: an eighth of the way from white to 0, 90, 160, and all of it.
    assert "\x1b[30;48;2;223;234;243m   12.5\x1b[0m" in out.getvalue()
    assert "\x1b[37;48;2;0;90;160m    100\x1b[0m" in out.getvalue()
    assert "one fact" in out.getvalue()


def test_commands_can_be_pasted() -> None:
    out = io.StringIO()
    Screen(console=Console(file=out, width=30, soft_wrap=True)).commands(
        [["seqlab", "eval", "run=runs/a folder with a long name/x", "input=*.jpg"]]
    )
    assert "  seqlab eval 'run=runs/a folder with a long name/x' 'input=*.jpg'\n" in out.getvalue()


def test_the_log_has_lightning_and_warnings_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    handlers, show = logging.getLogger().handlers[:], warnings.showwarning
    with logging_to(path):
        logging.getLogger("lightning.pytorch.utilities.rank_zero").warning("from lightning")
        logging.getLogger("seqlab.data").info("from the data")
        warnings.warn("beware", UserWarning, stacklevel=1)
    said = path.read_text()
    for text in ("from lightning", "from the data", "beware"):
        assert text in said
    assert logging.getLogger().handlers == handlers
    assert warnings.showwarning is show


def test_a_log_on_a_full_disk_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to(Path("/dev/full")):
        for word in ("one", "two"):
            logging.getLogger("seqlab.run").info(word)
    said = capsys.readouterr().err
    assert said.count("warning: /dev/full cannot be written") == 1
    assert "No space left on device" in said
    assert "Traceback" not in said
