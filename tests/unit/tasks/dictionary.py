"""A translation model that looks words up, so that all it says is known beforehand."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.components.decoding.greedy import Greedy
from seqlab.components.decoding.interface import Search
from seqlab.data.codings import WordCodings
from seqlab.data.parallel_text import ParallelSource, SentencePair
from seqlab.data.text_coding import TextCoding
from seqlab.data.translation import TranslationDataModule
from seqlab.models.interfaces import AuxiliaryTerm, Sentences, TeacherForced, TranslationModel
from seqlab.tasks.base import Schedule
from seqlab.tasks.translation import TranslationTask

WORDS = {"the": "der", "dog": "Hund", "cat": "Kater", "sees": "sieht", "runs": "rennt"}
FALLBACK = "Hund"  # what it says where it may not say that a word is unknown

CHOSEN, SECOND = 4.0, 2.0  # logits of the word it looked up and of the fallback; others have 0
NUM_WORDS = 4 + len(WORDS)
TOTAL = math.exp(CHOSEN) + math.exp(SECOND) + NUM_WORDS - 2  # where both are different words
ALONE = math.exp(CHOSEN) + NUM_WORDS - 1  # where the word it looked up is the fallback

# The ids count lines: 1 and 3 are longer than 2, so that evaluation has another order.
TEST = (
    ("the cat sees the dog", "der Kater sieht den Hund"),
    ("dog", "Hund"),
    ("the zebra runs", "das Zebra rennt"),
    ("the dog sees the cat", "der Hund sieht der Kater"),
)


class State(NamedTuple):
    position: Tensor  # [N]
    weights: Tensor | None  # [N, S]


class Dictionary(TranslationModel):
    """Says word by word what each source word is, looking at it.

    Args:
        table: target id of each source id, [V].
        num_words: size V' of the target's vocabulary.
        attends: whether it says where it looks.
        fallback: a target id.
    """

    auxiliary_names = ("penalty",)

    def __init__(self, table: Tensor, num_words: int, attends: bool, fallback: int) -> None:
        super().__init__()
        self.register_buffer("table", table)
        self.num_words, self.attends, self.fallback = num_words, attends, fallback
        self.scale = nn.Parameter(torch.tensor(1.0))

    def _logits(self, sources: Tensor) -> Tensor:
        """[..., V'] of source ids [...]."""
        logits = SECOND * F.one_hot(torch.full_like(sources, self.fallback), self.num_words)
        chosen = F.one_hot(self.table[sources], self.num_words)
        return self.scale * torch.where(chosen == 1, CHOSEN, logits)

    def encode(self, source: Sentences) -> tuple[State, Sentences]:
        weights = torch.zeros(source.tokens.shape) if self.attends else None
        return State(torch.zeros_like(source.lengths), weights), source

    def step(self, tokens: Tensor, state: State, memory: Sentences) -> tuple[Tensor, State]:
        place = torch.minimum(state.position, memory.lengths - 1)  # [N]
        read = memory.tokens.gather(1, place.unsqueeze(1)).squeeze(1)  # [N]
        weights = F.one_hot(place, memory.tokens.shape[1]).float() if self.attends else None
        return self._logits(read).log_softmax(dim=1), State(state.position + 1, weights)

    def forward(self, source: Sentences, tokens: Tensor, lengths: Tensor) -> TeacherForced:
        steps = torch.arange(tokens.shape[1] - 1).expand(len(tokens), -1)  # [B, T]
        place = torch.minimum(steps, source.lengths.unsqueeze(1) - 1)  # [B, T]
        penalty = AuxiliaryTerm(torch.arange(1.0, len(tokens) + 1), weight=0.5)
        return TeacherForced(
            self._logits(source.tokens.gather(1, place)), None, {"penalty": penalty}
        )


class Lines(ParallelSource):
    """The words to train on, and a test split."""

    source_language, target_language = "en", "de"

    def __init__(self, test: Sequence[tuple[str, str]]) -> None:
        self.test = test

    def read(self) -> dict[str, tuple[SentencePair, ...]]:
        splits = {"train": tuple(WORDS.items()), "val": (), "test": self.test}
        return {
            split: tuple(
                SentencePair(f"{split}:{n}", *pair) for n, pair in enumerate(pairs, start=1)
            )
            for split, pairs in splits.items()
        }


def lines(test: Sequence[tuple[str, str]] = TEST) -> TranslationDataModule:
    """The data, set up, in batches of few sentences."""
    module = TranslationDataModule(
        source=Lines(test),
        coding=WordCodings(min_count=1),
        tokenisation="whitespace",
        lower_case=False,
        max_words=None,
        batch_tokens=3,  # 12 in evaluation: two sentences of five words and their ends
        num_workers=0,
        seed=1,
    )
    module.setup()
    return module


def task(
    data: TranslationDataModule, *, attends: bool = True, search: Search | None = None, **more: Any
) -> TranslationTask:
    """The task with the dictionary of the data's words."""
    source, target = (
        TextCoding.from_json(text) for text in (data.spec.source_text, data.spec.target_text)
    )
    table = torch.arange(len(source))  # the specials are the same in both
    for word, translation in WORDS.items():
        table[source.encode(word)] = torch.tensor(target.encode(translation))
    (fallback,) = target.encode(FALLBACK)
    settings = {
        "auxiliary_weights": {},
        "label_smoothing": 0.0,
        "replace_unknown": False,
        "num_figures": 2,
    }
    return TranslationTask(
        model=Dictionary(table, len(target), attends, fallback),
        spec=data.spec,
        optimizer=partial(torch.optim.SGD, lr=0.1),
        schedule=Schedule(),
        decoding=search or Greedy(max_length=10),
        **{**settings, **more},
    ).eval()
