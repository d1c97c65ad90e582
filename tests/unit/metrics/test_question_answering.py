"""Errors of questions against loops in NumPy, and cases worked by hand."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from seqlab.metrics.question_answering import QuestionScores

TASKS = ("qa1", "qa2", "never_asked", "qa4")
NUM_WORDS = 6

Batch = tuple[Tensor, Tensor, Tensor, Tensor]


def batch(seed: int, size: int = 40) -> Batch:
    """Logits, answers, accepted answers and tasks; the third task is never asked."""
    draw = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(size, NUM_WORDS, generator=draw)
    accepted = torch.randint(NUM_WORDS, (size, 2), generator=draw)
    answers = accepted[:, 0].clone()
    accepted[torch.rand(size, generator=draw) < 0.5, 1] = -1
    tasks = torch.tensor([0, 1, 3])[torch.randint(3, (size,), generator=draw)]
    return logits, answers, accepted, tasks


def by_loop(batches: list[Batch]) -> dict[str, float]:
    nll, wrong, asked = 0.0, np.zeros(len(TASKS)), np.zeros(len(TASKS))
    for logits, answers, accepted, tasks in batches:
        for scores, answer, right, task in zip(
            logits.numpy().astype(float), answers, accepted.tolist(), tasks, strict=True
        ):
            nll -= scores[answer] - np.log(np.exp(scores).sum())
            wrong[task] += int(scores.argmax()) not in right
            asked[task] += 1
    errors = {f"error_{TASKS[n]}": wrong[n] / asked[n] for n in (0, 1, 3)}
    return {
        "loss": nll / asked.sum(),
        "accuracy": 1 - wrong.sum() / asked.sum(),
        "error": float(np.mean(list(errors.values()))),
        "failed_tasks": sum(error > 0.05 for error in errors.values()),
        **errors,
    }


def measured(scores: QuestionScores) -> dict[str, float]:
    return {name: float(value) for name, value in scores.compute().items()}


def test_values_are_those_of_a_loop() -> None:
    batches = [batch(0), batch(1, size=7)]
    scores = QuestionScores(tasks=TASKS, per_task=True)
    for each in batches:
        scores.update(*each)
    expected = by_loop(batches)
    assert measured(scores) == pytest.approx(expected, rel=1e-6)
    assert len({round(value, 6) for value in expected.values()}) >= 6  # tasks differ in size
    fewer = QuestionScores(tasks=TASKS, per_task=False)
    for each in batches:
        fewer.update(*each)
    assert set(measured(fewer)) == {"loss", "accuracy", "error", "failed_tasks"}


@pytest.mark.parametrize(("num_wrong", "failed"), [(5, 0), (6, 1)])
def test_a_task_has_failed_above_five_in_a_hundred(num_wrong: int, failed: int) -> None:
    """1 - 95 / 100 is more than 0.05 in floating point, and is no failure."""
    answers = torch.zeros(100, dtype=torch.long)
    answers[:num_wrong] = 1
    logits = torch.tensor([[1.0, 0.0]]).expand(100, 2)
    scores = QuestionScores(tasks=("qa1",), per_task=False)
    scores.update(logits, answers, answers.unsqueeze(1), torch.zeros(100, dtype=torch.long))
    assert measured(scores)["failed_tasks"] == failed
    assert measured(scores)["error"] == pytest.approx(num_wrong / 100)


def test_pointing_worked_by_hand() -> None:
    attention = torch.tensor(
        [
            [[0.6, 0.4, 0.0], [0.0, 0.9, 0.1]],  # the greatest of both hops is on fact 1: a hit
            [[0.2, 0.8, 0.0], [0.9, 0.1, 0.0]],  # on fact 0: none, though the first hop is right
            [[-0.5, -0.2, 0.0], [-0.9, -0.3, 0.0]],  # a linear start: 0 is padding's, so fact 1
            [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]],  # nobody says what it needs
            [[0.1, 0.0, 0.9], [0.6, 0.4, 0.0]],  # on fact 2: a hit, of the first hop
        ]
    )
    num_facts = torch.tensor([3, 3, 2, 3, 3])
    supporting = torch.tensor([[1, -1], [1, 2], [0, 1], [-1, -1], [2, -1]])
    scores = QuestionScores(tasks=TASKS, per_task=False)
    scores.update(*batch(0))
    assert "supporting_accuracy" not in measured(scores)
    scores.update_pointing(attention, num_facts, supporting)
    scores.update(*batch(1))
    assert measured(scores)["supporting_accuracy"] == pytest.approx(3 / 4)


def test_processes_add_up() -> None:
    attention, supporting = torch.rand(2, 40, 1, 5), torch.randint(-1, 5, (2, 40, 1))
    five = torch.full((40,), 5)
    whole = QuestionScores(tasks=TASKS, per_task=True)
    shares = [QuestionScores(tasks=TASKS, per_task=True) for _ in range(2)]
    for number, share in enumerate(shares):
        for each in (whole, share):
            each.update(*batch(number))
            each.update_pointing(attention[number], five, supporting[number])
    names = ("num_right", "num_questions", "num_hits", "num_supported", "sum_nll")
    others = iter([getattr(shares[1], name) for name in names])

    def gather(tensor: Tensor, group: Any) -> list[Tensor]:
        return [tensor, next(others)]

    shares[0].dist_sync_fn, shares[0].distributed_available_fn = gather, lambda: True
    assert measured(shares[0]) == pytest.approx(measured(whole))
    assert set(measured(whole)) >= {"supporting_accuracy", "error_qa4"}


def test_a_reset_forgets_all() -> None:
    scores = QuestionScores(tasks=TASKS, per_task=True)
    scores.update(*batch(0))
    scores.update_pointing(torch.rand(1, 1, 2), torch.tensor([2]), torch.tensor([[0]]))
    scores.reset()
    scores.update(*batch(1))
    assert measured(scores) == pytest.approx(by_loop([batch(1)]), rel=1e-6)
