"""Train, evaluate and ask through the seqlab command, as a person would."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqlab.config import catalog
from tests.smoke.command import TINY_MEMORY_QA, Ended, done, seqlab_here
from tests.smoke.terminal import CTRL_D, Terminal

# One process runs them all, so that their fixture is made once.
pytestmark = pytest.mark.xdist_group("memory_qa")

MODELS = catalog.fitting("memory_qa", "model")
TASKS = ("one_fact", "two_facts", "three_facts", "yes_no", "counting", "lists")
STORY = """\
Anna went to the kitchen.
The zebra ran to the attic.
Where is Anna?

1 Ben took the lamp.
2 Ben walked to the garden.
3 Where is the lamp?\tgarden\t1 2
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("memory_qa")
    (folder / "stories.txt").write_text(STORY)
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path) -> Ended:
    """What training MemN2N said; its run is `memn2n`."""
    words = ("model.embedding_dim=8", "run_dir=memn2n")
    return done(seqlab_here(folder, "train", *TINY_MEMORY_QA, *words))


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_run_leaves_what_it_promises(folder: Path, trained: Ended) -> None:
    run = folder / "memn2n"
    metrics = json.loads((run / "metrics.json").read_text())
    names = {"loss", "accuracy", "error", "failed_tasks", "supporting_accuracy"}
    errors = {f"error_{task}" for task in TASKS}
    assert {name for name in metrics if name.startswith("val/")} == {f"val/{n}" for n in names}
    assert {name for name in metrics if name.startswith("test/")} == {
        f"test/{name}" for name in names | errors
    }
    mean = sum(metrics[f"test/{name}"] for name in errors) / len(TASKS)
    assert metrics["test/error"] == pytest.approx(mean)
    predicted = rows(run / "predictions/test.jsonl")
    assert [row["id"] for row in predicted] == [
        f"{task}:test:{n}" for task in TASKS for n in (1, 2, 3)
    ]
    wrong = sum(row["answer"] not in row["accepted"] for row in predicted)  # type: ignore[operator]
    assert metrics["test/accuracy"] == pytest.approx(1 - wrong / len(predicted))
    drawn = {path.name for path in (run / "figures/test").iterdir()}
    assert drawn == {"hops_one_fact_test_1.png", "hops_two_facts_test_1.png", "tasks.png"}
    assert "error on test of each task" in trained.stdout
    assert "three_facts" in trained.stdout
    assert "seqlab predict run=memn2n input=stories.txt" in trained.stdout


def test_evaluation_repeats_the_numbers_of_training(folder: Path, trained: Ended) -> None:
    kept = folder / "memn2n/metrics.json"
    before = json.loads(kept.read_text())
    ended = done(seqlab_here(folder, "eval", "run=memn2n", "threads=1"))
    assert json.loads(kept.read_text()) == before
    assert "error on test of each task" in ended.stdout


def test_stories_of_a_file(folder: Path, trained: Ended) -> None:
    given = ("run=memn2n", "input=stories.txt", "output=out", "figures=true", "threads=1")
    ended = done(seqlab_here(folder, "predict", *given))
    first, second = rows(folder / "out/predictions.jsonl")
    assert first["source"] == "Where is Anna?"
    assert first["facts"] == ["Anna went to the kitchen.", "The zebra ran to the attic."]
    assert second["supporting"] == [0, 1]
    assert (folder / "out/1.png").read_bytes().startswith(b"\x89PNG")
    assert second["figure"] == "out/2.png"
    assert "never seen in training, so read as unknown: zebra" in ended.stdout
    said = [line.split("│") for line in ended.stdout.splitlines() if "│ Ben" in line]
    assert [line[2].strip() for line in said] == ["yes", "yes"]
    attention = second["attention"]
    assert [cell.strip() for cell in said[0][3:-1]] == [f"{hop[0]:.2f}" for hop in attention]  # type: ignore[attr-defined, index]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Where is Anna?\n", "line 1: nothing was told before this question; tell the facts first"),
        ("1 Ben left.\n3 Who left?\n", "line 2: number 3 comes after number 1"),
    ],
)
def test_a_line_of_a_file_that_is_wrong(
    text: str, message: str, folder: Path, trained: Ended
) -> None:
    given = ("run=memn2n", "input=-", "output=none", "threads=1")
    ended = seqlab_here(folder, "predict", *given, stdin=text)
    assert ended.returncode == 2
    assert f"input: {message}\n  given: {text.splitlines()[-1]}\n" in ended.stderr


def test_facts_alone_are_no_question(folder: Path, trained: Ended) -> None:
    given = ("run=memn2n", "input=-", "output=none", "threads=1", "figures=true")
    ended = done(seqlab_here(folder, "predict", *given, stdin="Anna left.\n"))
    assert "nothing was answered; type a fact" in ended.stdout
    assert "no figure" not in ended.stdout


@pytest.fixture
def terminal(folder: Path, trained: Ended) -> Iterator[Terminal]:
    """`seqlab predict`, which is given no input, and so asks."""
    started = Terminal(folder, "predict", "run=memn2n", "output=typed", "threads=1")
    try:
        started.wait_for("Ctrl-D ends")
        yield started
    finally:
        started.close()


def test_a_story_is_asked_for_at_a_terminal(folder: Path, terminal: Terminal) -> None:
    assert "a line that ends in ? is answered from the facts so far" in terminal.said
    terminal.type("Where is Anna?\n")
    terminal.wait_for("line 1: nothing was told before this question")
    terminal.type("Anna went to the kitchen.\n")
    terminal.type("Where is Anna?\n")
    terminal.wait_for("probability")
    terminal.wait_for("Anna went to the kitchen. │")  # of the table
    terminal.type(CTRL_D)
    assert terminal.end() == 0, terminal.said
    assert "1 answer is in typed/predictions.txt" in terminal.said
    assert len(rows(folder / "typed/predictions.jsonl")) == 1


@pytest.mark.parametrize("model", [name for name in MODELS if name != "memn2n"])
def test_every_model_trains_and_answers(model: str, folder: Path) -> None:
    words = (f"model={model}", f"run_dir={model}")
    done(seqlab_here(folder, "train", *TINY_MEMORY_QA, *words))
    given = (f"run={model}", "input=stories.txt", f"output=of_{model}", "threads=1")
    done(seqlab_here(folder, "predict", *given))
    assert len(rows(folder / f"of_{model}/predictions.jsonl")) == 2
    assert (folder / model / "DONE").exists()


def test_a_ranking_loss_of_one_task(folder: Path) -> None:
    words = ("task.answer_margin=0.1", "data.task=lists", "run_dir=lists", "task.num_figures=0")
    ended = done(seqlab_here(folder, "train", *TINY_MEMORY_QA, *words, "model.embedding_dim=8"))
    assert "of each task" not in ended.stdout  # there is only one
    metrics = json.loads((folder / "lists/metrics.json").read_text())
    assert metrics["test/error_lists"] == metrics["test/error"]
    assert not list((folder / "lists/figures/test").iterdir())
