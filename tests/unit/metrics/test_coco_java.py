"""The Java programs: the same answers as pycocoevalcap, and no hang whatever Java does."""

import shutil
import threading
from pathlib import Path

import pytest

from seqlab.metrics import coco_java
from seqlab.metrics.coco_java import JavaError, java_problem, meteor_score, ptb_tokenise

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="there is no Java")

CAPTIONS = [
    "A man's \"red\" T-shirt, isn't it?",
    "",
    "Two dogs -- (both black) play ; one barks ...",
    "Ein Hündchen läuft über 日本 .",
    "3.5 m at 10:30 & more $5 [sic] {x}",
    "",
]


@needs_java
def test_tokens_equal_those_of_pycocoevalcap() -> None:
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    expected = PTBTokenizer().tokenize({0: [{"caption": text} for text in CAPTIONS]})[0]
    assert ptb_tokenise(CAPTIONS) == expected
    assert expected[0] == "a man 's red t-shirt is n't it"  # the comparison is not an empty one


@needs_java
def test_tokens_do_not_depend_on_the_locale_or_on_line_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    captions = ["Ein\nHündchen\r\nläuft\u2028über\x85Stock", "next"]
    assert ptb_tokenise(captions) == ["ein hündchen läuft über stock", "next"]


def test_no_caption_starts_no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ptb_tokenise([]) == []
    assert java_problem() == "java is not on the PATH"
    with pytest.raises(JavaError, match="tokeniser"):
        ptb_tokenise(["a dog"])
    with pytest.raises(JavaError, match="METEOR"):
        meteor_score(["a dog"], [["a dog"]])


@pytest.fixture
def fake_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Puts a shell script in the place of Java."""

    def install(script: str) -> None:
        java = tmp_path / "java"
        java.write_text(f"#!/bin/sh\n{script}\n")
        java.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        coco_java._problem_of.cache_clear()

    return install


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list:
    """The processes that were started."""
    processes: list = []
    popen = coco_java.subprocess.Popen

    def start(*args, **kwargs):
        processes.append(popen(*args, **kwargs))
        return processes[-1]

    monkeypatch.setattr(coco_java.subprocess, "Popen", start)
    return processes


def test_a_java_that_says_there_is_none(fake_java) -> None:
    fake_java("echo 'Unable to locate a Java Runtime.' >&2; exit 1")
    assert java_problem() == "java -version fails (1)"


def test_a_meteor_that_dies_is_an_error_with_its_reason(fake_java, started: list) -> None:
    fake_java("read line; echo 'warning' >&2; echo 'OutOfMemoryError: heap' >&2; exit 3")
    with pytest.raises(JavaError, match="METEOR failed: OutOfMemoryError: heap"):
        meteor_score(["a dog"] * 1000, [["a dog"]] * 1000)
    assert started[0].returncode is not None
    assert started[0].stdin.closed
    assert started[0].stdout.closed


def test_a_meteor_that_hangs_is_ended(
    fake_java, started: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_java("while :; do read line || :; done")
    monkeypatch.setattr(coco_java, "METEOR_SECONDS", 0.2)
    with pytest.raises(JavaError, match="METEOR failed"):
        meteor_score(["a dog"], [["a dog"]])
    assert started[0].returncode is not None
    assert not [t for t in threading.enumerate() if isinstance(t, threading.Timer)]


def test_a_tokeniser_that_hangs_or_loses_lines_is_an_error(
    fake_java, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_java("echo one line")
    with pytest.raises(JavaError, match="tokeniser failed"):
        ptb_tokenise(["a", "b"])
    fake_java("while :; do :; done")
    monkeypatch.setattr(coco_java, "TOKENISER_SECONDS", 0.2)
    with pytest.raises(JavaError, match="timed out"):
        ptb_tokenise(["a"])


@pytest.mark.slow
@needs_java
def test_meteor_equals_that_of_pycocoevalcap() -> None:
    from pycocoevalcap.meteor.meteor import Meteor

    hypotheses = ["a dog runs on grass", "", "zwei hündchen", "the men are walking in a street"]
    references = [
        ["a brown dog is running", "dogs run in the grass"],
        ["a dog", "the cat"],
        ["zwei hündchen spielen"],
        ["a man walks down the road", "people walk on a street"],
    ]
    keys = range(len(hypotheses))
    theirs = Meteor()
    expected, _ = theirs.compute_score(
        dict(zip(keys, references, strict=True)), {k: [hypotheses[k]] for k in keys}
    )
    assert meteor_score(hypotheses, references) == expected
    assert 0 < expected < 1
