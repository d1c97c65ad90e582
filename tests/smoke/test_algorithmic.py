"""Train, evaluate and predict algorithms through the seqlab command, as a person would."""

import json
from pathlib import Path

import pytest

from seqlab.config import catalog
from tests.smoke.command import Ended, seqlab_here

# One process runs them all, so that their fixture is made once.
pytestmark = pytest.mark.xdist_group("algorithmic")

TINY = (
    "task=algorithmic",
    "data.num_train=24",
    "data.num_val=8",
    "data.num_test=3",
    "data.batch_size=8",
    "model.hidden_dim=8",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=1",
    "trainer.log_every_n_steps=1",
    "threads=1",
)
SHORT = ("data.difficulties=[1,3]", "data.test_difficulties=[3,5]", "task.num_figures=2")
SMALL = ("model.recurrent.num_slots=6", "model.recurrent.slot_size=4")
MODELS = {
    "ntm": (*SHORT, *SMALL),
    "dnc": (*SHORT, *SMALL),
    "lstm": SHORT,
    "grid_lstm": (*SHORT, "model.num_layers=2"),
    "feedforward": ("data=parity", "data.algorithm.num_bits=4"),
}
# What makes a data set small, and a line that it understands.
DATA = {
    "copy": (("data.difficulties=[1,3]", "data.test_difficulties=[2]"), "10110101 00000000"),
    "repeat_copy": (("data.difficulties=[1,2]", "data.test_difficulties=[2]"), "10110101 x 2"),
    "associative_recall": (
        ("data.test_difficulties=[2]",),
        "101010 000111 111111, 000000 000000 000001 ? 101010 000111 111111",
    ),
    "ngrams": (("data.difficulties=[9,9]", "data.test_difficulties=[9]"), "0110100"),
    "priority_sort": (
        ("data.difficulties=[5,5]", "data.test_difficulties=[5]"),
        "10110101:0.5 00000000:-0.25",
    ),
    "parity": (("data.algorithm.num_bits=4",), "1010"),
    "addition": (("data.difficulties=[2,2]", "data.test_difficulties=[2]"), "12 + 34"),
    "memorization": (("data.difficulties=[3,3]", "data.test_difficulties=[3]"), "abc"),
}


def done(ended: Ended) -> Ended:
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where there is a run of each model, by its name."""
    folder = tmp_path_factory.mktemp("algorithmic")
    for name, words in MODELS.items():
        done(seqlab_here(folder, "train", *TINY, f"model={name}", *words, f"run_dir={name}"))
    return folder


def test_all_models_and_data_are_tried() -> None:
    assert set(MODELS) == set(catalog.fitting("algorithmic", "model"))
    assert set(DATA) == set(catalog.fitting("algorithmic", "data"))


@pytest.mark.parametrize("model", MODELS)
def test_a_run_leaves_what_it_promises(model: str, folder: Path) -> None:
    run = folder / model
    assert (run / "DONE").exists()
    metrics = json.loads((run / "metrics.json").read_text())
    names = ("loss", "bits_per_sequence", "bit_errors", "token_accuracy", "accuracy")
    assert {f"{split}/{name}" for split in ("val", "test") for name in names} <= set(metrics)
    difficulties = (4,) if model == "feedforward" else (3, 5)
    assert {f"test/bit_errors_{difficulty}" for difficulty in difficulties} <= set(metrics)
    rows = [json.loads(line) for line in (run / "predictions/test.jsonl").read_text().splitlines()]
    assert len(rows) == 3 * len(difficulties)
    drawn = {path.name for path in (run / "figures/test").iterdir()}
    several = {"sequence_3.png", "sequence_5.png", "errors_by_difficulty.png"}
    assert several - drawn == (several if model == "feedforward" else set())
    assert (run / "figures/curves.png").stat().st_size > 1000
    assert "train/samples" in (run / "metrics.csv").read_text().splitlines()[0]


@pytest.mark.parametrize("model", ["ntm", "feedforward"])
def test_evaluation_repeats_the_numbers_of_training(model: str, folder: Path) -> None:
    kept = folder / model / "metrics.json"
    before = json.loads(kept.read_text())
    done(seqlab_here(folder, "eval", f"run={model}", "threads=1"))
    assert json.loads(kept.read_text()) == before


@pytest.mark.parametrize("data", DATA)
def test_every_algorithm_trains_and_answers_a_line(data: str, tmp_path: Path) -> None:
    words, line = DATA[data]
    given = ("model=grid_lstm", "model.num_layers=2", f"data={data}", *words, "run_dir=run")
    done(seqlab_here(tmp_path, "train", *TINY, *given, "task.num_figures=0"))
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())
    assert ("test/optimal_bits_per_sequence" in metrics) == (data == "ngrams")
    predict = ("predict", "run=run", "input=-", "threads=1")
    done(seqlab_here(tmp_path, *predict, stdin=f"{line}\n\n{data}: {line}\n"))
    first, empty, again = (tmp_path / "run/predictions/predictions.txt").read_text().split("\n")[:3]
    assert first == again
    assert empty == ""
    ended = seqlab_here(tmp_path, *predict, stdin=f"{line}\n!!!\n")
    assert ended.returncode == 2
    assert "given: !!!" in ended.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["model=feedforward"], "it takes data of 1 step, as data=parity has, not of sequences"),
        (["data=parity", "model.hidden=3"], "did you mean: model.hidden_dim?"),
        (["data.difficulties=[0,3]"], "a difficulty counts vectors: at least 1, not 0"),
        (["curriculum=mixed", "data.curriculum.growth_epochs=4"], "nothing grows with"),
        (["model=rnn_search"], "it belongs to task=translation"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_does_not_fit_is_said_before_training(
    words: list[str], expected: str, tmp_path: Path
) -> None:
    ended = seqlab_here(tmp_path, "train", "task=algorithmic", *words, "threads=1")
    assert ended.returncode == 2
    assert expected in ended.stderr
