"""A question answerer that follows one rule, so that all it says is known beforehand."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.components.masking import length_mask
from seqlab.data.fact_slots import FactSlots, Sentences
from seqlab.data.question_sources import Asked, QuestionSource, Told
from seqlab.data.questions import QuestionDataModule
from seqlab.models.interfaces import Answered, AuxiliaryTerm, QuestionAnswerer, Questions
from seqlab.tasks.base import Schedule
from seqlab.tasks.memory_qa import MemoryQATask

CHOSEN = 4.0  # logit of the word it says; the others have 0

FACTS = ("Mary, kitchen", "John, garden", "Mary, garden", "Bill, hall")


def asked(name: str, text: str, last: int, answers: Sequence[str], supporting: Any = None) -> Asked:
    """A question about the facts up to one of them."""
    return Asked(name, name.split(":")[0], text, 0, last, tuple(answers), supporting)


# It answers three of these as it should, and looks for each where it has to but in "two:test:7".
TEST = (
    asked("one:test:1", "Where is Mary?", 2, ["kitchen"], (0,)),
    asked("one:test:2", "Where is Mary?", 3, ["garden"], (2,)),
    asked("two:test:3", "Who is with John?", 2, ["kitchen"], (1, 0)),
    asked("two:test:7", "Where is Bill?", 4, ["garden", "hall"], (0,)),
)


class Rule(QuestionAnswerer):
    """Says the last word of the last fact that has the last word of the question in it.

    Its first hop reads all facts alike, its second that one.
    """

    auxiliary_names = ("penalty",)

    def __init__(self, vocab_size: int, attends: bool) -> None:
        super().__init__()
        self.vocab_size, self.attends = vocab_size, attends
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.epochs: list[int] = []

    def begin_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)

    def forward(self, questions: Questions, supporting: Tensor | None = None) -> Answered:
        facts, num_facts = questions.facts, questions.num_facts
        rows = torch.arange(len(facts))
        name = questions.question[rows, (questions.question != 0).sum(dim=1) - 1]  # [B]
        real = length_mask(num_facts, facts.shape[1])  # [B, M]
        named = (facts == name[:, None, None]).any(dim=2) & real  # [B, M]
        place = torch.where(named, torch.arange(facts.shape[1]), 0).amax(dim=1)  # [B]
        fact = facts[rows, place]  # [B, W], the first of all where none is named
        said = fact[rows, (fact != 0).sum(dim=1) - 1]  # [B]
        uniform = real / num_facts.unsqueeze(1)  # [B, M]
        attention = torch.stack([uniform, F.one_hot(place, facts.shape[1])], dim=1)  # [B, 2, M]
        logits = self.scale * CHOSEN * F.one_hot(said, self.vocab_size)  # [B, V]
        terms = {}
        if self.training:
            assert supporting is not None
            terms["penalty"] = AuxiliaryTerm(supporting[:, 0].float(), weight=0.5)
        return Answered(logits, attention if self.attends else None, terms)


class Questionnaire(QuestionSource):
    """The test questions, which are trained on too."""

    tasks = ("one", "two", "never")

    def read(self, tasks: Sequence[str]) -> Told:
        splits = {"train": TEST, "val": (), "test": TEST}
        return Told(FACTS, splits, tuple(tasks))


def data(slots: FactSlots | None = None, batch_size: int = 2) -> QuestionDataModule:
    """The data, set up."""
    module = QuestionDataModule(
        source=Questionnaire(),
        slots=slots or Sentences(),
        task="all",
        candidates=None,
        max_facts=None,
        buckets=[],
        batch_size=batch_size,
        num_workers=0,
        seed=1,
    )
    module.setup()
    return module


def task(module: QuestionDataModule, *, attends: bool = True, **more: Any) -> MemoryQATask:
    """The task with the rule."""
    settings = {"auxiliary_weights": {}, "answer_margin": None, "num_figures": 3}
    return MemoryQATask(
        model=Rule(len(module.spec.words), attends),
        spec=module.spec,
        optimizer=partial(torch.optim.SGD, lr=0.1),
        schedule=Schedule(),
        **{**settings, **more},
    ).eval()
