"""Questions answered by a rule: the objective, and what an evaluation says."""

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from lightning import Trainer
from lightning.pytorch.callbacks import Callback

from seqlab.config.errors import UserError
from seqlab.data.batches import QuestionBatch
from seqlab.data.questions import QuestionDataModule
from seqlab.run.outcome import evaluate_split, keep_predictions
from seqlab.tasks.memory_qa import MemoryQATask
from tests.unit.tasks.asked import CHOSEN, FACTS, TEST, data, task


@pytest.fixture(scope="module")
def asked() -> QuestionDataModule:
    return data()


@pytest.fixture
def trainer(tmp_path: Path) -> Trainer:
    return Trainer(
        accelerator="cpu",
        max_epochs=2,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )


def evaluate(trainer: Trainer, module: MemoryQATask, asked: QuestionDataModule) -> dict[str, Any]:
    return evaluate_split(trainer, module, asked, "test", seed=1, checkpoint=None)


def whole(asked: QuestionDataModule) -> QuestionBatch:
    """All questions, as they are listed, in one batch."""
    return asked._datasets["test"].collate(range(len(TEST)))


def test_metrics_worked_by_hand(trainer: Trainer, asked: QuestionDataModule) -> None:
    num_words = len(asked.spec.words)
    found = evaluate(trainer, task(asked), asked)
    right = math.log(math.exp(CHOSEN) + num_words - 1) - CHOSEN
    # Of one question the answer that is learnt is not said, but another that is right.
    assert found == pytest.approx(
        {
            "test/loss": right + 2 * CHOSEN / 4,
            "test/accuracy": 3 / 4,
            "test/error": (0 + 1 / 2) / 2,
            "test/failed_tasks": 1,
            "test/error_one": 0.0,
            "test/error_two": 0.5,
            "test/supporting_accuracy": 3 / 4,
        },
        rel=1e-6,
    )


def test_validation_has_no_error_of_each_task(trainer: Trainer, asked: QuestionDataModule) -> None:
    loader = asked.test_dataloader()
    (found,) = trainer.validate(task(asked), dataloaders=loader, verbose=False)
    names = ("loss", "accuracy", "error", "failed_tasks", "supporting_accuracy")
    assert set(found) == {f"val/{name}" for name in names}
    (found,) = trainer.validate(task(asked, attends=False), dataloaders=loader, verbose=False)
    assert set(found) == {f"val/{name}" for name in names[:-1]}


def test_objective_worked_by_hand(asked: QuestionDataModule) -> None:
    batch, module = whole(asked), task(asked, auxiliary_weights={"penalty": 3.0}).train()
    outcome = module.train_batch(batch)
    log_probabilities = module._answer(batch, batch.supporting).logits.log_softmax(dim=1)
    nll = -sum(log_probabilities[row, int(batch.answers[row])].item() for row in range(4)) / 4
    logged = {name: value.item() for name, value in outcome.logged.items()}
    penalty = (0 + 2 + 1 + 0) / 4  # the first fact that each needs
    assert logged == pytest.approx({"loss": nll, "penalty": penalty, "accuracy": 0.5})
    assert outcome.objective.item() == pytest.approx(nll + 3.0 * penalty)
    outcome.objective.backward()
    assert module.model.scale.grad is not None


@pytest.mark.parametrize("margin", [0.5, 5.0])
def test_margin_worked_by_hand(margin: float, asked: QuestionDataModule) -> None:
    module = task(asked, answer_margin=margin).train()
    num_words = len(asked.spec.words)
    loss = module.train_batch(whole(asked)).logged["loss"].item()
    right = (num_words - 1) * max(0.0, margin - CHOSEN)
    wrong = margin + CHOSEN + (num_words - 2) * margin  # all others are as low as the answer
    another = (num_words - 2) * margin  # what is said is right too, so it may be as high
    assert loss == pytest.approx((2 * right + wrong + another) / 4)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"answer_margin": 0.0}, "task.answer_margin"),
        ({"auxiliary_weights": {"penality": 1.0}}, "task.auxiliary_weights.penality"),
    ],
)
def test_settings_that_mean_nothing(
    settings: dict[str, Any], key: str, asked: QuestionDataModule
) -> None:
    with pytest.raises(UserError) as raised:
        task(asked, **settings)
    assert [problem.key for problem in raised.value.problems] == [key]


def test_sizes_are_those_the_task_says_it_supplies(asked: QuestionDataModule) -> None:
    sizes = MemoryQATask.sizes(asked.spec)
    assert sizes == {
        "vocab_size": len(asked.spec.words),
        "pad_id": 0,
        "max_facts": 4,
        "max_words": 2,
    }
    assert set(sizes) == MemoryQATask.supplied_sizes


def test_the_model_is_told_each_epoch_and_once_more_where_a_run_begins_or_goes_on(
    trainer: Trainer, asked: QuestionDataModule
) -> None:
    class TrainsAtEpoch(Callback):
        def __init__(self) -> None:
            self.seen: list[tuple[int, int]] = []

        def on_train_batch_start(self, trainer: Trainer, module: Any, *others: Any) -> None:
            self.seen.append((trainer.current_epoch, module.model.epochs[-1]))

    watch = TrainsAtEpoch()
    trainer.callbacks.append(watch)
    module = task(asked)
    trainer.fit(module, train_dataloaders=asked.train_dataloader())
    assert watch.seen == [(0, 0), (0, 0), (1, 1), (1, 1)]
    assert module.model.epochs == [0, 0, 1]  # at the start of the run too


def test_predictions_say_all_in_the_order_of_tasks_and_numbers(
    trainer: Trainer, asked: QuestionDataModule, tmp_path: Path
) -> None:
    order = [name for batch in asked.test_dataloader() for name in batch.example_ids]
    assert order != sorted(order)  # the longest come first
    module = task(asked)
    evaluate(trainer, module, asked)
    keep_predictions(trainer, module, tmp_path / "test.jsonl")
    kept = [json.loads(line) for line in (tmp_path / "test.jsonl").read_text().splitlines()]
    assert [row["id"] for row in kept] == [each.example_id for each in TEST]
    assert [row["answer"] for row in kept] == ["kitchen", "garden", "garden", "hall"]
    log_probability = CHOSEN - math.log(math.exp(CHOSEN) + len(asked.spec.words) - 1)
    assert kept[2] == {
        "id": "two:test:3",
        "question": "Who is with John?",
        "answer": "garden",
        "log_probability": round(log_probability, 4),
        "accepted": ["kitchen"],
        "facts": list(FACTS[:2]),
        "supporting": [1, 0],
        "attention": [[0.5, 0.5], [0.0, 1.0]],
    }
    assert kept[3]["accepted"] == ["garden", "hall"]
    assert kept[1]["attention"][0] == [0.333, 0.333, 0.333]


def test_the_table_has_a_row_for_each_task(trainer: Trainer, asked: QuestionDataModule) -> None:
    module = task(asked)
    assert module.tables() == []  # nothing is known yet
    evaluate(trainer, module, asked)
    (table,) = module.tables()
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["one", "0.0", ""],
        ["two", "50.0", "failed"],
    ]
    assert [row[1].shade for row in table.rows] == [0.0, 0.5]
    assert table.metrics == ("test/error_one", "test/error_two")


@pytest.mark.parametrize(
    ("num_figures", "names"),
    [
        (3, ["one_test_1", "two_test_3", "one_test_2"]),  # of each task alike
        (1, ["one_test_1"]),
        (9, ["one_test_1", "two_test_3", "one_test_2", "two_test_7"]),
        (0, []),
    ],
)
def test_figures(
    num_figures: int,
    names: list[str],
    trainer: Trainer,
    asked: QuestionDataModule,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: dict[str, Any] = {}
    monkeypatch.setattr(
        "seqlab.tasks.replies.hop_figure",
        lambda *given, **more: drawn.update({given[2].name: (given, more)}),
    )
    monkeypatch.setattr(
        "seqlab.tasks.memory_qa.task_figure",
        lambda *given, **more: drawn.update({given[2].name: (given, more)}),
    )
    module = task(asked, num_figures=num_figures)
    evaluate(trainer, module, asked)
    expected = [*(f"hops_{name}.png" for name in names), "tasks.png"]
    assert [path.name for path in module.draw(tmp_path)] == expected == list(drawn)
    (tasks, errors, _), more = drawn["tasks.png"]
    assert (tasks, errors, more) == (["one", "two"], [0.0, 0.5], {"failed_above": 0.05})
    if num_figures > 1:
        (facts, attention, _), more = drawn["hops_two_test_3.png"]
        assert facts == FACTS[:2]
        np.testing.assert_array_equal(attention, [[0.5, 0.5], [0.0, 1.0]])
        assert more.pop("probability") == pytest.approx(
            math.exp(CHOSEN) / (math.exp(CHOSEN) + len(asked.spec.words) - 1)
        )
        assert more == {
            "question": "Who is with John?",
            "answer": "garden",
            "supporting": (1, 0),
            "accepted": ("kitchen",),
        }


def test_figures_are_files_and_none_is_drawn_without_attention(
    trainer: Trainer, asked: QuestionDataModule, tmp_path: Path
) -> None:
    module = task(asked, num_figures=1)
    evaluate(trainer, module, asked)
    for path in module.draw(tmp_path):
        assert path.read_bytes().startswith(b"\x89PNG")
    module = task(asked, attends=False)
    found = evaluate(trainer, module, asked)
    assert [path.name for path in module.draw(tmp_path)] == ["tasks.png"]
    assert "test/supporting_accuracy" not in found
    assert "attention" not in module.predictions[0]


def test_what_fills_up_the_last_round_of_processes_does_not_count(
    asked: QuestionDataModule,
) -> None:
    module = task(asked)
    loader = SimpleNamespace(num_planned=1)
    counted = 0
    for rank in (0, 1):
        module._trainer = SimpleNamespace(  # type: ignore[assignment]
            testing=True, world_size=2, global_rank=rank, test_dataloaders=loader
        )
        module.test_step(whole(asked), 0)
        counted = int(module.final_scores.num_questions.sum())
    assert counted == len(TEST)
    assert int(module.final_scores.num_supported) == len(TEST)
