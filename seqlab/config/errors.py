"""What the user can mend: problems with a key, what was given, what is allowed and what is near."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    Args:
        key: the setting, file or word that is meant, as the user writes it.
        message: what is wrong with it, without a full stop.
        given: what was given, where that is not the key itself.
        allowed: what may stand there.
        nearest: what was probably meant.
    """

    key: str
    message: str
    given: str | None = None
    allowed: tuple[str, ...] = ()
    nearest: str | None = None

    def details(self) -> list[tuple[str, str]]:
        """The labelled lines below the message."""
        lines = [("given", self.given), ("allowed", ", ".join(self.allowed) or None)]
        lines.append(("did you mean", self.nearest and f"{self.nearest}?"))
        return [(label, text) for label, text in lines if text is not None]


class UserError(Exception):
    """One or more problems, told together; the command line ends with status 2.

    Args:
        problems: at least one.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        if not problems:
            raise ValueError("a UserError needs at least one problem")
        super().__init__(problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return render(self.problems)


def render(problems: Sequence[Problem]) -> str:
    """The problems as plain text, in their order, each once."""
    blocks = []
    for problem in dict.fromkeys(problems):
        lines = [f"{problem.key}: {problem.message}"]
        lines += [f"  {label}: {text}" for label, text in problem.details()]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The name most like a word, or None where none is like it."""
    close = difflib.get_close_matches(word, sorted(set(names)), n=1, cutoff=0.55)
    return close[0] if close else None
