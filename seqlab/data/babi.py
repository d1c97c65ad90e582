"""The bAbI tasks (Weston et al., 2015) in their official layout."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from seqlab.data.errors import DataError
from seqlab.data.question_sources import Asked, QuestionSource, Told
from seqlab.data.text_files import numbered_lines

log = logging.getLogger(__name__)

Version = Literal["en", "en-10k", "hn", "hn-10k", "shuffled", "shuffled-10k"]

_NUM_TASKS = 20


class _Question(NamedTuple):
    """A question as a file has it."""

    number: int  # in its file, counted from 1
    story: int  # counted from 0
    text: str
    first: int  # facts[first:last] of the file were told before
    last: int
    answer: str
    supporting: tuple[int, ...]  # counted from `first`


class Babi(QuestionSource):
    """Twenty kinds of questions about short stories, 1,000 or 10,000 of each to train.

    Validation questions are a share of the training files, whole stories of each task, so that no
    story is both trained on and validated on.

    Args:
        folder: holds the folders of the versions.
        version: `en`, of 1,000 questions, `en-10k`, or the same in Hindi or with shuffled letters.
        missing: whether a task without its files is an error, or left out and told.
        val_share: share of the training questions that validate instead.
        split_seed: what their choice is a function of. It is not the run's, so that all seeds of an
            experiment see the same data.
    """

    tasks = tuple(f"qa{number}" for number in range(1, _NUM_TASKS + 1))

    def __init__(
        self,
        *,
        folder: str,
        version: Version,
        missing: Literal["error", "skip"],
        val_share: float,
        split_seed: int,
    ) -> None:
        if not 0 <= val_share < 1:
            raise ValueError(f"val_share is {val_share}, and has to be from 0 to less than 1")
        self.folder = Path(folder) / version
        self.missing = missing
        self.val_share = val_share
        self.split_seed = split_seed

    def read(self, tasks: Sequence[str]) -> Told:
        files = self._files(tasks)
        problems: list[str] = []
        facts: list[str] = []
        splits: dict[str, list[Asked]] = {"train": [], "val": [], "test": []}
        for task, (train, test) in files.items():
            for path, is_test in ((train, False), (test, True)):
                told, questions = read_file(path, problems)
                validated = set() if is_test else self._validated(task, questions)
                for question in questions:
                    split = "test" if is_test else "val" if question.story in validated else "train"
                    splits[split].append(_asked(task, split, question, len(facts)))
                facts += told
        if problems:
            raise DataError(problems)
        return Told(
            tuple(facts), {split: tuple(asked) for split, asked in splits.items()}, tuple(files)
        )

    def _files(self, tasks: Sequence[str]) -> dict[str, tuple[Path, Path]]:
        """The files to train and to test on of each task that has them."""
        if not self.folder.is_dir():
            versions = ", ".join(sorted(path.name for path in self.folder.parent.glob("*/")))
            here = f"there are the versions {versions}" if versions else "see seqlab data list"
            hint = f"{here}; paths.data=DIR or SEQLAB_DATA moves the folder"
            raise DataError([f"{self.folder}: there is no such folder"], hint)
        files = {task: (self._file(task, "train"), self._file(task, "test")) for task in tasks}
        problems = [
            f"{path}: is not there" for own in files.values() for path in own if not path.is_file()
        ]
        found = {task: own for task, own in files.items() if all(path.is_file() for path in own)}
        if problems and (self.missing == "error" or not found):
            raise DataError(problems, self._hint([*found]))
        if problems:
            left_out = ", ".join(task for task in tasks if task not in found)
            log.warning("left out %s: %s", left_out, "; ".join(problems))
        return found

    def _file(self, task: str, split: str) -> Path:
        """The file of a task, whose name goes on with what the task is called."""
        named = sorted(self.folder.glob(f"{task}_*_{split}.txt"))
        return named[0] if named else self.folder / f"{task}_*_{split}.txt"

    def _hint(self, found: Sequence[str]) -> str:
        if found:
            numbers = ",".join(task.removeprefix("qa") for task in found)
            return f"data.task=[{numbers}] asks for the others, as data.source.missing=skip does"
        return f"{self.folder} has no task of those that are asked for; data.task chooses others"

    def _validated(self, task: str, questions: Sequence[_Question]) -> set[int]:
        """Stories by chance, as many as have the share of the questions."""
        generator = np.random.default_rng([self.split_seed, self.tasks.index(task)])
        counts = np.bincount([question.story for question in questions])
        order = generator.permutation(len(counts))
        before = np.cumsum(counts[order]) - counts[order]
        return set(order[before < round(self.val_share * len(questions))].tolist())


def _asked(task: str, split: str, question: _Question, offset: int) -> Asked:
    return Asked(
        example_id=f"{task}:{split}:{question.number}",
        task=task,
        text=question.text,
        first=offset + question.first,
        last=offset + question.last,
        answers=(question.answer.lower(),),
        supporting=question.supporting,
    )


def read_file(path: Path, problems: list[str]) -> tuple[list[str], list[_Question]]:
    """The facts of all stories of a file, and its questions.

    Args:
        path: of the file.
        problems: what is wrong with it is added here.
    """
    reader = _Reader()
    for line, number, text in numbered_lines(path, problems):
        problems += [f"{path}:{line}: {problem}" for problem in reader.read(number, text)]
    return reader.facts, reader.questions


class _Reader:
    """Takes a file line by line."""

    def __init__(self) -> None:
        self.facts: list[str] = []
        self.questions: list[_Question] = []
        self._story = -1
        self._first = 0  # the first fact of the story
        self._places: dict[int, int] = {}  # which fact of the story each of its lines is

    def read(self, number: int, text: str) -> list[str]:
        """Take a line; what is wrong with it."""
        if number == 1:
            self._story += 1
            self._first = len(self.facts)
            self._places = {}
        if "\t" in text:
            return self._ask(text)
        if text.endswith("?"):
            return ["a question goes on with its answer and its facts, after tabs"]
        self._places[number] = len(self.facts) - self._first
        self.facts.append(text)
        return []

    def _ask(self, line: str) -> list[str]:
        parts = [part.strip() for part in line.split("\t")]
        if len(parts) != 3 or not all(parts):
            return ["a question has three parts between tabs: itself, its answer and its facts"]
        text, answer, support = parts
        if not self._places:
            return [f"nothing is told before the question: {text}"]
        lines = support.split()
        wrong = [each for each in lines if not each.isdecimal() or int(each) not in self._places]
        if wrong:
            return [f"no fact before it in its story is numbered {', '.join(wrong)}"]
        self.questions.append(
            _Question(
                number=len(self.questions) + 1,
                story=self._story,
                text=text,
                first=self._first,
                last=len(self.facts),
                answer=answer,
                supporting=tuple(self._places[int(each)] for each in lines),
            )
        )
        return []
