"""What is wrong with files a person can mend, all of it at once."""

from collections.abc import Sequence

LIMIT = 20  # problems that are printed; a broken download has thousands, of one kind


class DataError(Exception):
    """Data that cannot be used, with every problem found and not only the first.

    Args:
        problems: one line each, beginning with the file and the line in it.
        hint: what to do about them.
    """

    def __init__(self, problems: Sequence[str], hint: str = "") -> None:
        super().__init__(list(problems), hint)
        self.problems = list(problems)
        self.hint = hint

    def __str__(self) -> str:
        lines = self.problems[:LIMIT]
        if len(self.problems) > LIMIT:
            lines.append(f"... and {len(self.problems) - LIMIT} more problems")
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)
