"""What the task of algorithms measures, counts, answers and draws; its model knows how to copy."""

import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Trainer
from torch import Tensor, nn

from seqlab.config.errors import UserError
from seqlab.data.algorithmic import AlgorithmicDataModule
from seqlab.data.curricula import Curriculum
from seqlab.data.synthetic.algorithms.copy import Copy
from seqlab.models.interfaces import AlgorithmicModel
from seqlab.run.outcome import evaluate_split
from seqlab.tasks.algorithmic import AlgorithmicTask, is_within
from seqlab.tasks.base import Schedule

SURE = 2.0  # the logit of a bit that it copies
BITS = 3


class Copier(AlgorithmicModel):
    """Copies vectors of bits with a trained certainty, but never the first bit of a later vector.

    Args:
        reach: how many vectors it copies right.
    """

    def __init__(self, reach: int) -> None:
        super().__init__()
        self.reach, self.scale = reach, nn.Parameter(torch.tensor(1.0))

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        logits = torch.zeros(*inputs.shape[:2], BITS)
        for row, length in enumerate((lengths // 2).tolist()):
            logits[row, length + 1 : 2 * length + 1] = SURE * (2 * inputs[row, :length, :BITS] - 1)
            logits[row, length + 1 + self.reach : 2 * length + 1, 0] *= -1
        return self.scale * logits

    def trace(self, inputs: Tensor) -> dict[str, Tensor]:
        return {"read_1": torch.eye(len(inputs)), "gate_1": torch.ones(len(inputs), 1)}


def data(**changed: Any) -> AlgorithmicDataModule:
    settings: dict[str, Any] = {
        "algorithm": Copy(num_bits=BITS),
        "curriculum": Curriculum(strategy="mixed", growth_epochs=0),
        "difficulties": (1, 4),
        "test_difficulties": [2, 6],
        "num_train": 20,
        "num_val": 8,
        "num_test": 3,
        "batch_size": 4,
        "evaluation_seed": 0,
        "num_workers": 0,
        "seed": 1,
    }
    return AlgorithmicDataModule(**(settings | changed))


def task(reach: int = 4, **changed: Any) -> AlgorithmicTask:
    settings: dict[str, Any] = {
        "solved_error": 0.0,
        "stop_when_solved": False,
        "cuda_graphs": True,
        "num_figures": 4,
    }
    return AlgorithmicTask(
        model=Copier(reach),
        spec=data().spec,
        optimizer=partial(torch.optim.SGD, lr=0.0),
        schedule=Schedule(),
        **(settings | changed),
    ).eval()


@pytest.fixture
def trainer(tmp_path: Path) -> Trainer:
    return Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        max_epochs=3,
        default_root_dir=tmp_path,
    )


def evaluate(trainer: Trainer, module: AlgorithmicTask, **changed: Any) -> dict[str, float]:
    found = data(**changed)
    return evaluate_split(trainer, module, found, "test", seed=0, checkpoint=None)


def test_lengths_beyond_training_are_measured_one_by_one(trainer: Trainer) -> None:
    found = evaluate(trainer, task())
    right, wrong = math.log(1 + math.exp(-SURE)), math.log(1 + math.exp(SURE))
    of_six = (16 * right + 2 * wrong) / 18  # 2 of 6 x 3 bits are wrong
    assert found == pytest.approx(
        {
            "test/loss": (right + of_six) / 2,
            "test/bits_per_sequence": (6 * right + 18 * of_six) / 2 / math.log(2),
            "test/bit_errors": 1.0,
            "test/token_accuracy": 22 / 24,
            "test/accuracy": 0.5,
            "test/bit_errors_2": 0.0,
            "test/token_accuracy_2": 1.0,
            "test/accuracy_2": 1.0,
            "test/bit_errors_6": 2.0,
            "test/token_accuracy_6": 16 / 18,
            "test/accuracy_6": 0.0,
        },
        rel=1e-5,
    )


def test_what_was_written_is_kept_as_text(trainer: Trainer) -> None:
    module = task()
    evaluate(trainer, module)
    json.dumps(module.predictions)
    assert [row["id"] for row in module.predictions] == [
        f"test:{difficulty}:{number}" for difficulty in (2, 6) for number in (1, 2, 3)
    ]
    for row in module.predictions:
        assert row["target"] == row["question"]
        assert row["wrong"] == sum(
            a != b for a, b in zip(row["answer"], row["target"], strict=True)
        )
        assert row["wrong"] == (0 if row["difficulty"] == 2 else 2)


def test_a_table_by_length_takes_its_metrics_out_of_the_other(trainer: Trainer) -> None:
    module = task()
    found = evaluate(trainer, module)
    (table,) = module.tables()
    assert table.title == "test by number of vectors"
    assert table.columns == ("vectors", "bit_errors", "token_accuracy", "accuracy")
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["2", "0", "1", "1"],
        ["6", "2", "0.8889", "0"],
    ]
    assert set(table.metrics) == {name for name in found if name[-1].isdigit()}
    evaluate(trainer, module, test_difficulties=[2])
    assert module.tables() == []


def test_the_objective_means_the_same_for_every_length() -> None:
    module = task()
    module.trainer = Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    for difficulty in (1, 4):
        (batch, *_) = data(difficulties=(difficulty, difficulty)).train_dataloader()
        outcome = module.train_batch(batch)
        assert float(outcome.objective) == pytest.approx(math.log(1 + math.exp(-SURE)), rel=1e-5)
        assert outcome.objective.requires_grad
    assert int(module.samples_seen) == 8
    assert float(outcome.logged["samples"]) == 8


def test_samples_are_counted_until_it_is_solved(trainer: Trainer) -> None:
    module = task()
    trainer.fit(module, datamodule=data())
    assert int(module.samples_seen) == 60
    assert int(module.samples_until_solved) == 20
    assert float(trainer.callback_metrics["val/samples_until_solved"]) == 20


def test_what_is_not_solved_has_no_such_number(trainer: Trainer) -> None:
    module = task(reach=3)
    trainer.fit(module, datamodule=data())
    assert int(module.samples_until_solved) == -1
    assert "val/samples_until_solved" not in trainer.callback_metrics
    assert float(trainer.callback_metrics["val/accuracy"]) == pytest.approx(6 / 8)


def test_some_errors_may_be_allowed_and_training_stopped(trainer: Trainer) -> None:
    module = task(reach=3, solved_error=0.25, stop_when_solved=True)
    trainer.fit(module, datamodule=data())
    assert int(module.samples_seen) == int(module.samples_until_solved) == 20


@pytest.mark.parametrize("right", [99, 98, 100])
def test_one_wrong_of_a_hundred_is_a_hundredth(right: int) -> None:
    assert is_within(1 - right / 100, 0.01) == (right >= 99)


def test_the_count_is_in_the_checkpoint() -> None:
    module = task()
    module.samples_seen.fill_(70)
    module.samples_until_solved.fill_(40)
    other = task()
    other.load_state_dict(module.state_dict())
    assert (int(other.samples_seen), int(other.samples_until_solved)) == (70, 40)


def test_a_share_beyond_1_is_refused() -> None:
    with pytest.raises(UserError, match=r"task\.solved_error: it is a share"):
        task(solved_error=1.0)


def test_figures_of_each_length_and_of_all(trainer: Trainer, tmp_path: Path) -> None:
    module = task()
    evaluate(trainer, module)
    names = [path.name for path in module.draw(tmp_path / "figures")]
    assert names == ["sequence_2.png", "sequence_6.png", "errors_by_difficulty.png"]
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == sorted(names)
    few = task(num_figures=1)
    evaluate(trainer, few, test_difficulties=[2])
    assert [path.name for path in few.draw(tmp_path)] == ["sequence_2.png"]


def test_lines_are_drawn(tmp_path: Path) -> None:
    lines = iter(["101 010", "", "111"])
    answers = task().predict_inputs(lines, data(), tmp_path, batch_size=4, figures=True)
    assert [answer.figure and answer.figure.name for answer in answers] == ["1.png", None, "3.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.png", "3.png"]


def test_lines_are_answered_in_order(tmp_path: Path) -> None:
    lines = ["101 010", "", "copy: 111", "01", "000 111 000 111 010"]
    answers = list(
        task().predict_inputs(iter(lines), data(), tmp_path, batch_size=4, figures=False)
    )
    assert [answer.source for answer in answers] == lines
    texts = [answer.hypotheses[0].text if answer.hypotheses else None for answer in answers]
    assert texts == ["101 010", "", "111", None, "000 111 000 111 110"]
    assert answers[3].notes == ("'01' has 2 bits, not 3",)
    expected = -6 * math.log(1 + math.exp(-SURE))  # six bits, each as sure as another
    assert answers[0].hypotheses[0].log_probability == pytest.approx(expected, rel=1e-5)
    assert list(tmp_path.iterdir()) == []
