"""What a data set of questions about facts is to the data module that batches it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

SPLITS = ("train", "val", "test")


class Asked(NamedTuple):
    """A question about some facts in a row, and its answers."""

    example_id: str  # task, split and number counted from 1: "qa3:val:17"
    task: str
    text: str
    first: int  # facts[first:last] were told before
    last: int
    answers: tuple[str, ...]  # words of the vocabulary, all of them right; the first is learnt
    supporting: tuple[int, ...] | None  # among those told, in the order of need; None: unknown


class Told(NamedTuple):
    """All that a data set has."""

    facts: tuple[str, ...]  # of all stories, one story after another
    splits: dict[str, tuple[Asked, ...]]  # train, val and test; one may be empty
    tasks: tuple[str, ...]  # those that were read
    entities: tuple[str, ...] = ()  # names of several words that are one word to a model


class QuestionSource(ABC):
    """Reads a data set.

    Attributes:
        tasks: names of all kinds of questions that it may have.
    """

    tasks: tuple[str, ...]

    @abstractmethod
    def read(self, tasks: Sequence[str]) -> Told:
        """The facts and questions of some tasks.

        Raises:
            DataError: files are missing or malformed; it lists all that was found.
        """
