"""What is listed is what is there."""

import pytest

from seqlab.cli.main import main
from seqlab.config import catalog

Capture = pytest.CaptureFixture[str]


def listed(capsys: Capture, *words: str) -> str:
    assert main(["list", *words]) == 0
    return capsys.readouterr().out


def test_everything_is_listed_with_what_it_is(capsys: Capture) -> None:
    text = " ".join(listed(capsys).split())
    for task in catalog.names("task"):
        assert f"task {task} {catalog.describe('task', task).description}" in text
        for group in ("model", "data"):
            for name in catalog.fitting(task, group):
                assert catalog.describe(group, name).description in text
        for group in catalog.parts(task):
            for name in catalog.names(group):
                assert catalog.describe(group, name).description in text
    for name in catalog.names("optimizer"):
        assert name in text


def test_defaults_are_marked(capsys: Capture) -> None:
    text = listed(capsys)
    assert "show_attend_tell * " in text
    assert "scenes * " in text
    assert "show_tell * " not in text


def test_models_of_a_task(capsys: Capture) -> None:
    lines = listed(capsys, "models", "task=captioning").splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(catalog.fitting("captioning", "model"))
    assert "backbone, attention, recurrent" in "\n".join(lines)


@pytest.mark.parametrize(
    "word", ["attention", "score", "attention/score", "optimizers", "datasets"]
)
def test_groups(word: str, capsys: Capture) -> None:
    assert len(listed(capsys, word).splitlines()) > 2


def test_brackets_of_a_description_are_kept(capsys: Capture) -> None:
    """Rich would take `[q; k]` for markup."""
    expected = catalog.describe("attention/score", "concat").description
    assert "[" in expected
    assert expected in listed(capsys, "score")


def test_what_a_model_has(capsys: Capture) -> None:
    text = listed(capsys, "model=show_tell")
    assert "show_tell" in text
    assert "neuraltalk" not in text
    assert "attention " not in text.replace("show_attend_tell", "")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["atention"], "did you mean: attention?"),
        (["show_tell"], "is a name, not a group: model=show_tell"),
        (["models", "task=captoning"], "did you mean: captioning?"),
        (["models", "colour=red"], "the list has no such filter"),
        (["models", "data"], "one word too many"),
    ],
)
def test_unknown_words(words: list[str], text: str, capsys: Capture) -> None:
    assert main(["list", *words]) == 2
    assert text in capsys.readouterr().err
