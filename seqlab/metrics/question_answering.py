"""How well questions are answered, for each kind of question and over all of them."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric

from seqlab.components.masking import length_mask

FAILED_ABOVE = 0.05  # error of a task


class QuestionScores(Metric):
    """Errors as they are reported for bAbI: of each task, their mean, and how many tasks failed.

    A task has failed above an error of 5 % (Weston et al., 2016). Where several answers are right,
    any of them is: hits at 1 of Miller et al. (2016). Attention points well where the fact with the
    greatest weight of all hops is one that the answer needs.

    Args:
        tasks: names of the kinds of questions.
        per_task: whether the error of each is a number of its own.
    """

    is_differentiable = False
    full_state_update = False
    num_right: Tensor  # [tasks]
    num_questions: Tensor  # [tasks]
    sum_nll: Tensor
    num_hits: Tensor
    num_supported: Tensor

    def __init__(self, *, tasks: Sequence[str], per_task: bool) -> None:
        super().__init__()
        self.tasks, self.per_task = tuple(tasks), per_task
        zeros = torch.zeros(len(self.tasks), dtype=torch.long)
        for name in ("num_right", "num_questions"):
            self.add_state(name, zeros.clone(), dist_reduce_fx="sum")
        for name in ("num_hits", "num_supported"):
            self.add_state(name, torch.zeros((), dtype=torch.long), dist_reduce_fx="sum")
        self.add_state("sum_nll", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, logits: Tensor, answers: Tensor, accepted: Tensor, tasks: Tensor) -> None:
        """Count a batch of answers.

        Args:
            logits: unnormalised scores of the words, [B, V].
            answers: the word to learn, [B].
            accepted: all words that are right, [B, R], -1 where there are fewer.
            tasks: number of each question's task, [B].
        """
        right = (logits.argmax(dim=1, keepdim=True) == accepted).any(dim=1)  # [B]
        of_task = F.one_hot(tasks, len(self.tasks))  # [B, tasks]
        self.num_right += of_task[right].sum(dim=0)
        self.num_questions += of_task.sum(dim=0)
        self.sum_nll += F.cross_entropy(logits.double(), answers, reduction="sum")

    def update_pointing(self, attention: Tensor, num_facts: Tensor, supporting: Tensor) -> None:
        """Count where a batch was attended to, where it is known what a question needs.

        Args:
            attention: what each hop reads, [B, K, M].
            num_facts: facts before each question, [B].
            supporting: facts that the answer needs, [B, F], -1 where there are fewer.
        """
        real = length_mask(num_facts, attention.shape[2])  # [B, M]
        greatest = attention.amax(dim=1).masked_fill(~real, -torch.inf)  # [B, M]
        hits = (greatest.argmax(dim=1, keepdim=True) == supporting).any(dim=1)  # [B]
        self.num_hits += hits.sum()
        self.num_supported += (supporting >= 0).any(dim=1).sum()

    def compute(self) -> dict[str, Tensor]:
        """By name; a task without a question here has no error."""
        wrong = self.num_questions - self.num_right  # [tasks]
        asked = self.num_questions > 0  # [tasks]
        # [tasks], NaN where nothing was asked; 1 - 0.95, of those that are right, is above 0.05
        errors = wrong.double() / self.num_questions
        found = {
            "loss": self.sum_nll / self.num_questions.sum(),
            "accuracy": self.num_right.sum().double() / self.num_questions.sum(),
            "error": errors[asked].mean(),
            "failed_tasks": (errors > FAILED_ABOVE).sum(),
        }
        if self.num_supported > 0:
            found["supporting_accuracy"] = self.num_hits.double() / self.num_supported
        if self.per_task:
            for number, task in enumerate(self.tasks):
                if asked[number]:
                    found[f"error_{task}"] = errors[number]
        return found
