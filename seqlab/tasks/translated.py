"""What a search found for sentences, as text."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seqlab.components.decoding.interface import Hypotheses
from seqlab.components.decoding.unknown_words import replace_unknown
from seqlab.config.errors import Problem, UserError
from seqlab.data.text_coding import TextCoding
from seqlab.data.vocabulary import END_ID, SPECIALS, UNKNOWN_ID
from seqlab.models.interfaces import Sentences
from seqlab.tasks.base import Hypothesis
from seqlab.viz.alignments import alignment_figure


class Translated(NamedTuple):
    """A line, its translations, best first, and what was attended for the words of the best."""

    source: str
    source_words: list[str]
    words: list[str]
    ranked: tuple[Hypothesis, ...]
    weights: np.ndarray | None  # [T, S + 1], the end of the source included

    @property
    def text(self) -> str:
        """The best translation."""
        return self.ranked[0].text

    def draw(self, path: Path) -> None:
        """Write the alignment figure."""
        if self.weights is not None and self.words:
            alignment_figure([*self.source_words, SPECIALS[END_ID]], self.words, self.weights, path)


def render(
    texts: Sequence[str],
    source: Sentences,
    found: Hypotheses,
    *,
    source_coding: TextCoding,
    target_coding: TextCoding,
    copies_unknown: bool,
) -> Iterator[Translated]:
    """Each line with its translations.

    Args:
        texts: the lines.
        source: their tokens.
        found: the hypotheses.
        source_coding: of the lines.
        target_coding: of the translations.
        copies_unknown: whether the most attended source word takes the place of an unknown one.

    Raises:
        UserError: unknown words are to be replaced and there is no attention.
    """
    if copies_unknown and found.weights is None:
        raise nothing_to_copy()
    likelihoods, scores = found.log_probabilities.tolist(), found.scores.tolist()
    for row, text in enumerate(texts):
        read = source_coding.pieces(text)
        ranked: list[Hypothesis] = []
        shown: list[list[str]] = []
        for rank, length in enumerate(found.lengths[row].tolist()):
            if length == 0:  # there are fewer hypotheses than were asked for
                continue
            words = target_coding.pieces(found.tokens[row, rank, :length].tolist())
            if copies_unknown and found.weights is not None:
                weights = found.weights[row, rank].cpu()
                words = replace_unknown(words, weights, read, SPECIALS[UNKNOWN_ID])
            line = target_coding.join(words)
            ranked.append(Hypothesis(line, likelihoods[row][rank], scores[row][rank]))
            shown.append(words)
        attended = None
        if found.weights is not None:
            best = found.weights[row, 0, : len(shown[0]), : int(source.lengths[row])]
            attended = best.float().cpu().numpy()  # [T, S + 1], the end of the source included
        yield Translated(text, read, shown[0], tuple(ranked), attended)


def nothing_to_copy() -> UserError:
    """What is wrong where unknown words are to be replaced and there is no attention."""
    return UserError(
        [
            Problem(
                key="task.replace_unknown",
                given="true",
                allowed=("false",),
                message="the model does not attend, so there is nothing to copy",
            )
        ]
    )
