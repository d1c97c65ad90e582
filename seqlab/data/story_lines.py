"""Stories and questions as a person types them, line by line."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_NUMBERED = re.compile(r"(\d+)\s+(\S.*)")
_MARKS = ("?", "？", "؟")  # of Latin, Chinese and Arabic script


class LineError(ValueError):
    """A line that says nothing here; the story goes on without it.

    Args:
        message: what is wrong with it.
        line: as it was read.
    """

    def __init__(self, message: str, line: str) -> None:
        super().__init__(message)
        self.line = line


class StoryQuestion(NamedTuple):
    """A question about the facts before it."""

    facts: tuple[str, ...]
    text: str
    answers: tuple[str, ...]  # where the line says what is right
    supporting: tuple[int, ...] | None  # facts that it needs, where the line says that


class StoryReader:
    """Makes questions of lines.

    A line is a fact; one that ends in a question mark is a question about the facts so far; an
    empty one begins a new story. Lines of bAbI are understood too: a story whose first line has the
    number 1 counts its lines, with a new 1 the next one begins, and after a tab a question may have
    its answer, and after another the numbers of the lines that it needs.
    """

    def __init__(self) -> None:
        self._line = ""
        self._num_lines = 0  # of all that was read
        self._begin()

    def _begin(self) -> None:
        self._facts: list[str] = []
        self._number: int | None = None  # of the last line, where the story counts them
        self._facts_by_number: dict[int, int] = {}

    def read(self, line: str) -> StoryQuestion | None:
        """The question of a line, where it is one.

        Raises:
            LineError: it asks where nothing was told, or it is no line that bAbI could have.
        """
        self._line, self._num_lines = line, self._num_lines + 1
        line = line.strip()
        if not line:
            self._begin()
            return None
        line = self._without_number(line)
        text, *more = (part.strip() for part in line.split("\t"))
        if more or text.endswith(_MARKS):
            return self._question(text, more)
        if self._number is not None:
            self._facts_by_number[self._number] = len(self._facts)
        self._facts.append(text)
        return None

    def _without_number(self, line: str) -> str:
        """The rest of a line whose number counts on from the one before or begins a story."""
        match = _NUMBERED.fullmatch(line)
        if match is None or (self._number is None and (self._facts or match[1] != "1")):
            return line  # a fact may begin with a number
        number = int(match[1])
        if number == 1:
            self._begin()
        elif self._number is not None and number != self._number + 1:
            raise self._error(f"number {number} comes after number {self._number}")
        self._number = number
        return match[2]

    def _question(self, text: str, more: list[str]) -> StoryQuestion:
        if not self._facts:
            raise self._error("nothing was told before this question; tell the facts first")
        if len(more) > 2:
            raise self._error(
                f"a question has its answer and the numbers of lines behind it, not {len(more)} "
                "things between tabs"
            )
        answers = tuple(part.lower() for part in more[:1] if part)
        supporting = self._supporting(more[1]) if len(more) > 1 else None
        return StoryQuestion(tuple(self._facts), text, answers, supporting)

    def _supporting(self, numbers: str) -> tuple[int, ...]:
        known = self._facts_by_number
        wrong = [n for n in numbers.split() if not n.isdecimal() or int(n) not in known]
        if wrong:
            raise self._error(f"line {wrong[0]} of the story is none of its facts so far")
        return tuple(known[int(n)] for n in numbers.split())

    def _error(self, message: str) -> LineError:
        return LineError(f"line {self._num_lines}: {message}", self._line)


def read_questions(
    lines: Iterable[str], batch_size: int
) -> Iterator[list[StoryQuestion] | LineError]:
    """The questions among lines, so many at a time, and in their place the lines that are wrong.

    Args:
        lines: asked for no further than is needed, since a person may still be typing.
        batch_size: most questions at a time; there may be none.
    """
    reader, waiting = StoryReader(), []
    for line in lines:
        try:
            question = reader.read(line)
        except LineError as error:
            yield waiting
            yield error
            waiting = []
            continue
        if question is not None:
            waiting.append(question)
        if len(waiting) == batch_size:
            yield waiting
            waiting = []
    yield waiting
