"""What was answered to a question, and where the model looked for it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seqlab.tasks.base import Hypothesis, Prediction
from seqlab.tasks.tables import Cell, Table
from seqlab.viz.hops import Gap, choose_facts, hop_figure

MOST_ROWS = 24  # of a table


class Reply(NamedTuple):
    """A question with what it is about, and its answers, best first."""

    question: str
    facts: tuple[str, ...]
    supporting: tuple[int, ...] | None  # facts that the answer needs; None where nobody says
    accepted: tuple[str, ...]  # answers that are right; none where nobody says
    ranked: tuple[Hypothesis, ...]
    attention: np.ndarray | None  # [K, M], what each hop reads

    def record(self) -> dict[str, Any]:
        """What is kept of it beside the answers."""
        kept: dict[str, Any] = {"accepted": list(self.accepted), "facts": list(self.facts)}
        if self.supporting is not None:
            kept["supporting"] = list(self.supporting)
        if self.attention is not None:
            kept["attention"] = [[round(w, 3) for w in hop] for hop in self.attention.tolist()]
        return kept

    def table(self) -> Table | None:
        """The facts with what each hop reads of them; None where the model has no hops."""
        if self.attention is None or not self.facts:
            return None
        needed = self.supporting
        rows = []
        for row in choose_facts(self.attention, needed or (), MOST_ROWS):
            if isinstance(row, Gap):
                rows.append((Cell(str(row)),))
                continue
            support = () if needed is None else (Cell("yes" if row in needed else ""),)
            weights = self.attention[:, row].tolist()
            cells = (Cell(f"{weight:.2f}", min(max(weight, 0.0), 1.0)) for weight in weights)
            rows.append((Cell(self.facts[row]), *support, *cells))
        hops = (f"hop {number + 1}" for number in range(len(self.attention)))
        columns = ("fact", *(() if needed is None else ("support",)), *hops)
        return Table("", columns, tuple(rows))

    def prediction(self, figure: Path | None, unknown: Sequence[str]) -> Prediction:
        """What a person who asked is shown.

        Args:
            figure: is drawn there; None draws nothing.
            unknown: words that the model has never seen.
        """
        notes = []
        if unknown:
            notes.append(f"never seen in training, so read as unknown: {', '.join(unknown)}")
        if self.accepted and self.ranked[0].text not in self.accepted:
            notes.append(f"right is {' or '.join(self.accepted)}")
        return Prediction(
            self.question,
            self.ranked,
            figure if figure is not None and self.draw(figure) else None,
            tuple(notes),
            self.table(),
            self.record(),
            is_choice=True,
        )

    def draw(self, path: Path) -> bool:
        """Write the figure of the hops; whether there are any."""
        if self.attention is None or not self.facts:
            return False
        hop_figure(
            self.facts,
            self.attention,
            path,
            question=self.question,
            answer=self.ranked[0].text,
            probability=float(np.exp(self.ranked[0].log_probability)),
            supporting=self.supporting,
            accepted=self.accepted,
        )
        return True
