"""Exit statuses, help, and what is imported for what."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from seqlab import __version__
from seqlab.cli import usage
from seqlab.cli.main import main
from seqlab.config.errors import Problem, UserError
from seqlab.data.errors import DataError


@pytest.fixture
def raises(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], int]:
    """Runs `seqlab train` where it raises something."""

    def command(error: BaseException) -> int:
        def run(arguments: list[str]) -> None:
            raise error

        monkeypatch.setitem(sys.modules, "seqlab.cli.train", SimpleNamespace(run=run))
        return main(["train"])

    return command


Raises = Callable[[BaseException], int]
Capture = pytest.CaptureFixture[str]


def test_problems_end_with_2_and_without_traceback(raises: Raises, capsys: Capture) -> None:
    problem = Problem(key="modle", message="there is no such setting", nearest="model")
    assert raises(UserError([problem, problem])) == 2
    assert capsys.readouterr().err == (
        "1 problem:\n\nmodle: there is no such setting\n  did you mean: model?\n"
    )


def test_data_that_cannot_be_used_ends_with_2(raises: Raises, capsys: Capture) -> None:
    assert raises(DataError(["a.txt, line 3: empty caption"], "mend it")) == 2
    expected = "the data cannot be used:\n\na.txt, line 3: empty caption\nmend it\n"
    assert capsys.readouterr().err == expected


def test_other_failures_end_with_1_and_a_panel(raises: Raises, capsys: Capture) -> None:
    assert raises(RuntimeError("no memory left")) == 1
    text = capsys.readouterr().err
    assert "RuntimeError: no memory left" in text
    assert "SEQLAB_TRACEBACK=1" in text
    assert "Traceback (most recent" not in text


def test_a_failure_names_the_log_that_has_its_traceback(raises: Raises, capsys: Capture) -> None:
    error = RuntimeError("the loss is nan")
    error.log_path = "runs/x/train.log"  # type: ignore[attr-defined]
    assert raises(error) == 1
    assert "The traceback is in runs/x/train.log" in capsys.readouterr().err


def test_a_full_disk_is_called_so(raises: Raises, capsys: Capture) -> None:
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/x/metrics.json")
    assert raises(error) == 1
    text = capsys.readouterr().err
    assert "the disk is full: runs/x/metrics.json is not written (No space left" in text
    assert raises(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) == 1
    assert "the disk is full (No space left" in capsys.readouterr().err


def test_the_traceback_is_shown_on_demand(
    raises: Raises, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQLAB_TRACEBACK", "1")
    raises(RuntimeError("no memory left"))
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_an_interruption_ends_with_130(raises: Raises) -> None:
    assert raises(KeyboardInterrupt()) == 130


def test_a_terminal_gets_one_panel(
    raises: Raises, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    problems = [
        Problem(key="a[bold]", message="is [red]odd[/red]", given="[x]", nearest="b"),
        Problem(key="c", message="is odd too"),
    ]
    assert raises(UserError(problems)) == 2
    text = capsys.readouterr().err
    assert text.count("╭") == 1
    assert "2 problems" in text
    assert "[red]odd[/red]" in text  # what the user wrote is no markup
    assert "[x]" in text


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_verb(words: list[str], capsys: Capture) -> None:
    assert main(words) == 0
    text = capsys.readouterr().out
    assert all(f"  {verb} " in text for verb in usage.USAGES)


@pytest.mark.parametrize("verb", usage.USAGES)
def test_help_of_a_verb_has_examples(verb: str, capsys: Capture) -> None:
    assert main([verb, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: seqlab {verb}")
    assert f"seqlab {verb}" in text.partition("examples:")[2]
    assert max(map(len, text.splitlines())) <= 110


def test_version(capsys: Capture) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"seqlab {__version__}\n"


@pytest.mark.parametrize(
    ("words", "near"),
    [(["trian"], "train"), (["model=show_tell"], "seqlab train model=show_tell")],
)
def test_unknown_verbs(words: list[str], near: str, capsys: Capture) -> None:
    assert main(words) == 2
    assert f"did you mean: {near}?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["train", "--help"],
        ["--version"],
        ["list"],
        ["list", "models", "task=captioning"],
        ["data", "list"],
        ["completion", "bash"],
        ["completion", "candidates", "seqlab", "train", "model."],
        ["trian"],
    ],
    ids=" ".join,
)
def test_light_commands_import_neither_torch_nor_hydra(words: list[str]) -> None:
    code = (
        f"import sys; from seqlab.cli.main import main; main({words!r});"
        "print('HEAVY', [m for m in ('torch', 'hydra', 'lightning', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_python_dash_m() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seqlab", "trian"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_is_no_failure_to_report() -> None:
    """`seqlab list | true`: writing fails, which is nobody's concern."""
    script = "from seqlab.cli.main import main; import sys; sys.exit(main(['list']))"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, errors = None, process.stderr.read() if process.stderr else ""
    assert errors == ""
