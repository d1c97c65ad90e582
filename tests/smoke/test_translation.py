"""Train, evaluate and predict translations through the seqlab command, as a person would."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.smoke.command import (
    TINY_RNN_SEARCH,
    TINY_TRANSLATION,
    Ended,
    done,
    seqlab,
    seqlab_here,
)
from tests.smoke.terminal import CTRL_C, CTRL_D, Terminal

# One process runs them all, so that their fixture is made once.
pytestmark = pytest.mark.xdist_group("translation")

MODELS = {
    "rnn_search": TINY_RNN_SEARCH,
    "luong": (*TINY_TRANSLATION, "model=luong"),
    "seq2seq": (*TINY_TRANSLATION, "model=seq2seq"),
}
ATTENDING = ("rnn_search", "luong")

SENTENCES = "the dogs run\n\nthe big cat saw a zebra\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("translation")


@pytest.fixture(scope="module")
def trained(folder: Path) -> dict[str, Ended]:
    """What the training of each model said; a model's run has its name."""
    return {
        name: done(seqlab_here(folder, "train", *words, f"run_dir={name}"))
        for name, words in MODELS.items()
    }


@pytest.mark.parametrize("model", MODELS)
def test_a_run_leaves_what_it_promises(model: str, folder: Path, trained: dict[str, Ended]) -> None:
    run = folder / model
    for name in ("config.yaml", "overrides.txt", "env.json", "metrics.csv", "train.log", "DONE"):
        assert (run / name).stat().st_size > 0, name
    metrics = json.loads((run / "metrics.json").read_text())
    names = ("loss", "perplexity", "token_accuracy", "bleu", "bleu_tokenised_lower", "chrf")
    assert {f"{split}/{name}" for split in ("val", "test") for name in names} <= set(metrics)
    assert {"test/ter", "test/exact_match"} <= set(metrics)
    assert "tok:13a" in metrics["test/bleu_signature"]
    rows = [json.loads(line) for line in (run / "predictions/test.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [f"test:{n}" for n in range(1, 7)]
    drawn = {path.name for path in (run / "figures/test").iterdir()}
    matrices = {"alignment_test_1.png"} if model in ATTENDING else set()
    assert drawn == {"bleu_by_length.png", *matrices}
    assert f"seqlab predict run={model} input=sentences.txt" in trained[model].stdout


@pytest.mark.parametrize("model", MODELS)
def test_evaluation_repeats_the_numbers_of_training(
    model: str, folder: Path, trained: dict[str, Ended]
) -> None:
    kept = folder / model / "metrics.json"
    before = json.loads(kept.read_text())
    done(seqlab_here(folder, "eval", f"run={model}", "threads=1"))
    assert json.loads(kept.read_text()) == before


@pytest.mark.parametrize("model", MODELS)
def test_answers_stand_beside_the_lines(
    model: str, folder: Path, trained: dict[str, Ended]
) -> None:
    (folder / "plain.txt").write_text(SENTENCES)
    (folder / "packed.txt.gz").write_bytes(gzip.compress(SENTENCES.encode()))
    texts, records = [], []
    for number, given in enumerate(("plain.txt", "packed.txt.gz", "-")):
        words = (f"run={model}", f"input={given}", f"output=out_{model}_{number}", "threads=1")
        ended = done(seqlab_here(folder, "predict", *words, stdin=SENTENCES))
        output = folder / f"out_{model}_{number}"
        assert f"3 answers are in {output.name}/predictions.txt" in ended.stdout
        texts.append((output / "predictions.txt").read_text())
        kept = (output / "predictions.jsonl").read_text().splitlines()
        records.append([json.loads(line) for line in kept])
    assert texts[0] == texts[1] == texts[2]
    assert records[0] == records[1] == records[2]
    first, empty, last = texts[0].split("\n")[:3]
    assert first
    assert empty == ""
    assert last
    assert [row["source"] for row in records[0]] == SENTENCES.split("\n")[:3]
    assert [row["text"] for row in records[0]] == [first, empty, last]


def test_alignments_and_n_best_lists_of_an_ensemble(
    folder: Path, trained: dict[str, Ended]
) -> None:
    (folder / "plain.txt").write_text(SENTENCES)
    search = ("decoding=beam", "decoding.num_best=2", "decoding.max_length=5")
    given = ("run=[rnn_search,luong]", "input=plain.txt", "output=both", "--alignments", *search)
    ended = done(seqlab_here(folder, "predict", *given, "threads=1"))
    assert {"1.png", "3.png"} <= {path.name for path in (folder / "both").iterdir()}
    assert "both/3.png" in ended.stdout
    kept = (folder / "both/predictions.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in kept]
    assert [row["figure"] for row in rows] == ["both/1.png", None, "both/3.png"]
    assert [len(row["n_best"]) for row in rows] == [1, 0, 1]
    assert rows[0]["score"] >= rows[0]["n_best"][0]["score"]


def test_without_attention_there_is_no_figure_and_it_says_so(
    folder: Path, trained: dict[str, Ended]
) -> None:
    given = ("run=seq2seq", "input=-", "output=none", "threads=1", "--alignments")
    ended = done(seqlab_here(folder, "predict", *given, stdin=SENTENCES))
    assert "no figure was drawn: the model has no attention to show" in ended.stdout


def test_the_answers_before_a_line_that_is_broken_are_kept(
    folder: Path, trained: dict[str, Ended]
) -> None:
    (folder / "latin1.txt").write_bytes(b"the dogs run\n\nthe \xe4pfel\n")
    given = ("run=luong", "input=latin1.txt", "output=some", "batch_size=1", "threads=1")
    ended = seqlab_here(folder, "predict", *given)
    assert ended.returncode == 2
    assert "line 3 is not UTF-8" in ended.stderr
    assert "given: latin1.txt" in ended.stderr
    assert len((folder / "some/predictions.txt").read_text().splitlines()) == 2


def test_a_sentence_in_the_place_of_a_file(folder: Path, trained: dict[str, Ended]) -> None:
    ended = seqlab_here(folder, "predict", "run=luong", "input=a dog's day", "threads=1")
    assert ended.returncode == 2
    assert "input: there is no such file; to have the line itself answered: echo " in ended.stderr
    ended = seqlab_here(folder, "predict", "run=luong", "threads=1")
    assert ended.returncode == 2
    assert "input: has to be given: input=sentences.txt, or input=-" in ended.stderr


@pytest.fixture
def terminal(folder: Path, trained: dict[str, Ended]) -> Iterator[Terminal]:
    """`seqlab predict` that waits for the first line."""
    started = Terminal(folder, "predict", "run=luong", "input=-", "output=typed", "threads=1")
    try:
        started.wait_for("type a line and press Enter to have it answered; Ctrl-D ends")
        yield started
    finally:
        started.close()


def test_a_line_that_is_typed_is_answered_before_the_next(folder: Path, terminal: Terminal) -> None:
    for line in ("the dogs run", "a cat saw the dog"):
        terminal.type(f"{line}\n")
        terminal.wait_for("log-probability")
    terminal.type(CTRL_D)
    assert terminal.end() == 0, terminal.said
    assert "2 answers are in typed/predictions.txt" in terminal.said
    assert terminal.said.count("the dogs run") == 1  # as it was typed
    assert len((folder / "typed/predictions.txt").read_text().splitlines()) == 2


def test_ctrl_c_ends_with_130_and_keeps_the_answers(folder: Path, terminal: Terminal) -> None:
    terminal.type("the dogs run\n")
    terminal.wait_for("log-probability")
    terminal.type(CTRL_C)
    assert terminal.end() == 130, terminal.said
    assert "1 answer is in typed/predictions.txt" in terminal.said
    assert "interrupted" in terminal.said
    assert "Traceback" not in terminal.said


def test_parts_are_swapped(folder: Path) -> None:
    words = ("train", *TINY_RNN_SEARCH, "attention=hard", "recurrent=stacked", "run_dir=swapped")
    done(seqlab_here(folder, *words, "trainer.log_every_n_steps=1"))
    kept = (folder / "swapped/config.yaml").read_text()
    assert "HardAttention" in kept
    assert "recurrent.stacked.Stacked" in kept
    columns = (folder / "swapped/metrics.csv").read_text().splitlines()[0]
    assert {"train/reinforce", "train/entropy"} <= set(columns.split(","))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ["model=show_tell"],
            "model: does not fit the task translation: it is no TranslationModel; "
            "it belongs to task=captioning\n"
            "  given: show_tell\n  allowed: grid_lstm_translation, luong, rnn_search, seq2seq",
        ),
        (
            ["data=scenes"],
            "data: does not fit the task translation: its batches are no TranslationBatch; "
            "it belongs to task=captioning\n"
            "  given: scenes\n  allowed: multi30k, parallel_language, text_pair",
        ),
        (["data.coding.min_cout=2"], "did you mean: data.coding.min_count?"),
        (["model=seq2seq", "attention=hard"], "attention"),
        (
            ["model=seq2seq", "task.replace_unknown=true", "data.source.num_train=60"],
            "task.replace_unknown: the model does not attend, so there is nothing to copy",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_does_not_fit_is_said_before_training(
    words: list[str], expected: str, tmp_path: Path
) -> None:
    ended = seqlab_here(tmp_path, "train", "task=translation", *words, "threads=1")
    assert ended.returncode == 2
    assert expected in ended.stderr
    assert "epoch 1" not in ended.stdout


@pytest.mark.slow
def test_a_sweep_over_two_attentions(tmp_path: Path) -> None:
    words = ("sweep", *TINY_RNN_SEARCH, "attention=additive,general", "sweep.name=two")
    ended = done(seqlab(tmp_path, *words))
    results = tmp_path / "runs/translation/rnn_search/two/sweep_results.csv"
    assert len(results.read_text().splitlines()) == 3
    assert "val/bleu" in results.read_text().splitlines()[0]
    assert "The best again:" in ended.stdout
