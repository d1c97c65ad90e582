"""What a person means by an input, and how the answers are shown."""

import gzip
import io
import json
import os
import pty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seqlab.config.errors import UserError
from seqlab.run.assemble import _moved, _without_weight_files
from seqlab.run.inputs import find_files, is_typed, read_lines
from seqlab.run.predict import _keep, _shown, _why_no_figure, _without_answer
from seqlab.tasks.base import Hypothesis, Prediction


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.jpg", "c [1].png"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    return tmp_path


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Puts bytes on standard input."""

    def put(content: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


Piped = Callable[[bytes], None]


def test_inputs(photos: Path) -> None:
    assert find_files(f"{photos}/*.jpg") == [f"{photos}/a.jpg", f"{photos}/b.jpg"]
    assert find_files(f"{photos}/a.jpg") == [f"{photos}/a.jpg"]
    assert find_files(f"{photos}/c [1].png") == [f"{photos}/c [1].png"]  # a name, not a pattern
    assert len(find_files(str(photos))) == 3


def test_names_of_files_on_standard_input(piped: Piped) -> None:
    piped(b"x.jpg\n\n y.jpg \n")
    assert find_files("-") == ["x.jpg", "y.jpg"]
    piped(b"\n")
    with pytest.raises(UserError, match="no name of a file came from standard input"):
        find_files("-")


@pytest.mark.parametrize("given", ["none.jpg", "*.gif", "folder"])
def test_nothing_is_there(photos: Path, given: str) -> None:
    with pytest.raises(UserError, match="there is no such file"):
        find_files(f"{photos}/{given}")
    with pytest.raises(UserError, match="there is no such file"):
        list(read_lines(f"{photos}/{given}"))


# A mark at the begin, an end of a line as of Windows, a separator inside of a line, no end.
CONTENT = "\ufeffdie Äpfel\r\n\n  un été\u2028là \nthe end".encode()
LINES = ["die Äpfel", "", "un été\u2028là", "the end"]


def test_lines_are_those_of_the_files_one_by_one(tmp_path: Path, piped: Piped) -> None:
    (tmp_path / "1.txt").write_bytes(CONTENT)
    (tmp_path / "2.txt.gz").write_bytes(gzip.compress(CONTENT, mtime=0))
    assert list(read_lines(f"{tmp_path}/1.txt")) == LINES
    assert list(read_lines(f"{tmp_path}/2.txt.gz")) == LINES
    assert list(read_lines(str(tmp_path))) == LINES + LINES
    piped(CONTENT)
    assert list(read_lines("-")) == LINES


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.txt", b"", "no line is in it"),
        ("x.txt", b"a\nb\xe4r\n", "line 2 is not UTF-8: .*\n.*given: .*x.txt"),
        ("x.txt.gz", b"a\n", "cannot be read: Not a gzipped file"),
        (
            "x.txt.gz",
            gzip.compress(b"a\nb\n", mtime=0)[:-9],
            "cannot be read: Compressed file ended",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        list(read_lines(f"{tmp_path}/{name}"))


def test_what_is_wrong_with_standard_input_is_said(piped: Piped) -> None:
    piped(b"")
    with pytest.raises(UserError, match="no line came from standard input"):
        list(read_lines("-"))
    piped(b"a\nb\xe4r\n")
    with pytest.raises(UserError, match=r"line 2 is not UTF-8: .*\n.*given: standard input"):
        list(read_lines("-"))


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """What writes to it is typed at the terminal that standard input is."""
    master, slave = pty.openpty()
    with open(slave, encoding="utf-8") as terminal:  # noqa: PTH123, of a file that is open
        monkeypatch.setattr("sys.stdin", terminal)
        yield master
    os.close(master)


def test_a_typed_line_is_there_before_the_next_is_typed(keyboard: int, piped: Piped) -> None:
    assert is_typed("-")
    assert not is_typed("a.txt")
    lines = read_lines("-")
    for line in ("a dog runs", "", "un été"):
        os.write(keyboard, f"{line}\n".encode())
        assert next(lines) == line
    os.write(keyboard, b"\x04")  # Ctrl-D
    assert list(lines) == []
    piped(b"a\n")
    assert not is_typed("-")


BEST, SECOND = Hypothesis("ein Hund", -1.234, -0.5), Hypothesis("der [Hund]", -2.0, -0.75)


def test_answers_are_shown() -> None:
    alone = Prediction("a dog", (BEST,), None)
    assert _shown(alone, with_source=True).plain == "a dog\n  ein Hund   log-probability -1.23"
    assert _shown(alone, with_source=False).plain == "  ein Hund   log-probability -1.23"
    several = Prediction("a dog", (BEST, SECOND), Path("out/1.png"))
    assert _shown(several, with_source=True).plain == (
        "a dog\n"
        "  ein Hund   log-probability -1.23   score -0.50\n"
        "  der [Hund]   log-probability -2.00   score -0.75\n"
        "  out/1.png"
    )
    empty = Prediction("", (Hypothesis("", 0.0, 0.0),), None)
    assert _shown(empty, with_source=True).plain == "(an empty line)"


def test_a_choice_is_shown_with_its_probability_and_notes_below() -> None:
    choice = Prediction("where?", (BEST, SECOND), None, notes=("[who] knows",), is_choice=True)
    assert _shown(choice, with_source=False).plain == (
        "  ein Hund   probability 0.291\n  der [Hund]   probability 0.135\n  [who] knows"
    )
    unanswered = Prediction("where?", (), None, notes=("line 1: no fact yet",))
    assert _shown(unanswered, with_source=False).plain == "  line 1: no fact yet"
    assert str(_without_answer(unanswered)) == "input: line 1: no fact yet\n  given: where?"


def test_all_that_is_known_of_an_answer_is_kept(tmp_path: Path) -> None:
    record = {"facts": ["Aïda runs"], "attention": [[1.0]]}
    _keep([Prediction("a dog", (BEST, SECOND), None, record=record)], tmp_path)
    row = json.loads((tmp_path / "predictions.jsonl").read_text())
    assert row["n_best"] == [{"text": "der [Hund]", "log_probability": -2.0, "score": -0.75}]
    assert {name: row[name] for name in ("source", "text", *record)} == {
        "source": "a dog",
        "text": "ein Hund",
        **record,
    }
    assert (tmp_path / "predictions.txt").read_text() == "ein Hund\n"


def test_data_may_have_moved_since_training() -> None:
    config = {"source": {"folder": "/there/flickr8k", "list": ["/there", "/thereabouts/x"]}, "n": 3}
    moved = {"source": {"folder": "/here/flickr8k", "list": ["/here", "/thereabouts/x"]}, "n": 3}
    assert _moved(config, "/there", "/here") == moved


def test_a_checkpoint_needs_no_file_of_weights() -> None:
    config = {"backbone": {"weights": "/there/vgg.safetensors", "name": "vgg16"}, "parts": [1]}
    expected = {"backbone": {"weights": None, "name": "vgg16"}, "parts": [1]}
    assert _without_weight_files(config) == expected


def test_why_there_is_no_figure() -> None:
    silent, speaking = (
        Prediction("a dog", (Hypothesis(text, -1.0, -1.0),), None) for text in ("", "ein Hund")
    )
    assert _why_no_figure([silent]) == "no answer has a word"
    assert _why_no_figure([silent, speaking]) == "the model has no attention to show"
