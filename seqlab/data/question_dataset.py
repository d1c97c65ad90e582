"""Questions by their numbers, and how they become a batch."""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from seqlab.data.batches import QuestionBatch
from seqlab.data.question_coding import QuestionCoding, SlotTable, Table
from seqlab.data.question_sources import Asked
from seqlab.data.spec import QuestionSpec

Key = tuple[int, int]  # epoch and index of a question


class Rows:
    """Rows of numbers of different lengths, in one array.

    Args:
        rows: the numbers of each.
    """

    def __init__(self, rows: Sequence[Sequence[int]]) -> None:
        self.counts = np.fromiter(map(len, rows), np.int64, len(rows))
        self.starts = np.cumsum(self.counts) - self.counts
        # The last stands where the empty rows at the end point.
        flat = itertools.chain(itertools.chain.from_iterable(rows), [0])
        self.values = np.fromiter(flat, np.int64, int(self.counts.sum()) + 1)

    def padded(self, which: NDArray[np.int64], fill: int) -> NDArray[np.int64]:
        """Some of the rows, filled up to the longest of them, which is 1 at least."""
        counts = self.counts[which][:, None]
        columns = np.arange(max(1, counts.max()))
        places = self.starts[which][:, None] + columns
        return np.where(columns < counts, self.values.take(places, mode="clip"), fill)


class QuestionDataset(Dataset[int]):
    """The questions of a split, asked for by epoch and index; nothing here depends on the epoch.

    An example is only its number; `collate` gathers all that a batch needs from arrays.

    Args:
        asked: the questions as they were read.
        table: slots of all facts.
        slots: which of them each question is asked about.
        coding: numbers of words.
        tasks: names of the tasks, by which they are numbered.
    """

    def __init__(
        self,
        asked: Sequence[Asked],
        table: SlotTable,
        slots: Sequence[Sequence[int]],
        coding: QuestionCoding,
        tasks: Sequence[str],
    ) -> None:
        self.table = table
        self.slots = Rows(slots)
        self.example_ids = [question.example_id for question in asked]
        self.texts = [question.text for question in asked]
        self.questions = Rows([coding.encode(coding.split(question.text)) for question in asked])
        numbers = {task: number for number, task in enumerate(tasks)}
        self.tasks = np.array([numbers[question.task] for question in asked], np.int64)
        right = [[*map(coding.number, question.answers)] for question in asked]
        unknown = QuestionSpec.unknown_id
        self.answers = np.array([row[0] if row and row[0] else unknown for row in right], np.int64)
        self.accepted = Rows([[number for number in row if number] for row in right])
        one_per_fact = coding.slots.one_per_fact
        self.supporting = _supporting(asked, table, slots) if one_per_fact else None

    def __len__(self) -> int:
        return len(self.example_ids)

    def __getitem__(self, key: Key) -> int:
        _, index = key
        return index

    def num_facts(self) -> NDArray[np.int64]:
        """Slots that each question is asked about."""
        return self.slots.counts

    def collate(self, indices: Sequence[int]) -> QuestionBatch:
        """A batch of the questions of these numbers."""
        which = np.asarray(indices, np.int64)
        table, pad_id = self.table, QuestionSpec.pad_id
        rows = self.slots.padded(which, fill=table.padding)  # [B, M]
        counts = self.slots.counts[which]
        return QuestionBatch(
            example_ids=tuple(self.example_ids[n] for n in indices),
            facts=torch.from_numpy(table.words.gather(rows)),
            num_facts=torch.from_numpy(counts),
            question=torch.from_numpy(self.questions.padded(which, fill=pad_id)),
            keys=_gather(table.keys, rows),
            values=_gather(table.values, rows),
            supporting=_padded(self.supporting, which),
            answers=torch.from_numpy(self.answers[which]),
            accepted=torch.from_numpy(self.accepted.padded(which, fill=-1)),
            tasks=torch.from_numpy(self.tasks[which]),
            fact_texts=tuple(
                tuple(row[:count])
                for row, count in zip(table.texts[rows].tolist(), counts.tolist(), strict=True)
            ),
            question_texts=tuple(self.texts[n] for n in indices),
        )


def _gather(table: Table | None, rows: NDArray[np.int64]) -> Tensor | None:
    return None if table is None else torch.from_numpy(table.gather(rows))


def _padded(supporting: Rows | None, which: NDArray[np.int64]) -> Tensor | None:
    return None if supporting is None else torch.from_numpy(supporting.padded(which, fill=-1))


def _supporting(
    asked: Sequence[Asked], table: SlotTable, slots: Sequence[Sequence[int]]
) -> Rows | None:
    """Which of its slots each question needs, those left out that it is not asked about."""
    found = []
    for question, row in zip(asked, slots, strict=True):
        if question.supporting is None:
            return None
        needed = [int(table.first[question.first + fact]) for fact in question.supporting]
        found.append([row.index(slot) for slot in needed if slot in row])
    return Rows(found)


def questions_from_text(
    spec: QuestionSpec, stories: Sequence[tuple[Sequence[str], str]]
) -> QuestionBatch:
    """A batch of what a person told and asked; words that are not known get the number of those.

    Args:
        spec: of the data that a model was trained on, which says how words are numbered.
        stories: facts in the order of telling and a question about them; none of these is empty.

    Raises:
        ValueError: a story has no fact, or a fact is not of the form that the slots need.
    """
    coding = QuestionCoding.of(spec)
    facts: list[str] = []
    asked: list[Asked] = []
    for number, (told, text) in enumerate(stories, start=1):
        if not told:
            raise ValueError(f"nothing was told before the question {text!r}")
        first = len(facts)
        facts += told
        asked.append(Asked(f"{number}", spec.tasks[0], text, first, len(facts), (), None))
    table = coding.encode_facts(facts)
    slots = [range(table.first[each.first], table.first[each.last]) for each in asked]
    dataset = QuestionDataset(asked, table, slots, coding, spec.tasks)
    return dataset.collate(range(len(asked)))


def unknown_words(spec: QuestionSpec, texts: Iterable[str]) -> list[str]:
    """Words of facts and questions that the training split did not have, in order, each once."""
    coding = QuestionCoding.of(spec)
    words = (word for text in texts for word in coding.split(text))
    return list(dict.fromkeys(word for word in words if coding.number(word) is None))
