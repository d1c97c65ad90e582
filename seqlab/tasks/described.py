"""What captions of images and of videos have in common: their words, and what is kept of them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from seqlab.components.decoding.interface import Hypotheses
from seqlab.data.spec import CaptionSpec, VideoCaptionSpec
from seqlab.tasks.base import Hypothesis
from seqlab.viz.captions import caption_gallery


class Described(NamedTuple):
    """Something by name, its caption and where the model looked."""

    name: str
    words: list[str]
    log_probability: float
    weights: np.ndarray | None  # [words, ...], the last axes those of the places that were seen
    references: Sequence[str]

    @property
    def caption(self) -> str:
        """The words as a line."""
        return " ".join(self.words)

    @property
    def record(self) -> dict[str, Any]:
        """What is kept of it."""
        return {
            "id": self.name,
            "caption": self.caption,
            "log_probability": round(self.log_probability, 4),
            "references": list(self.references),
        }


def words_of(tokens: Tensor, spec: CaptionSpec | VideoCaptionSpec) -> list[str]:
    """Words of one caption [T], up to its end."""
    words = []
    for token in tokens.tolist():
        if token == spec.end_id:
            break
        words.append(spec.words[token])
    return words


def describe(
    name: str,
    found: Hypotheses,
    row: int,
    spec: CaptionSpec | VideoCaptionSpec,
    *,
    places: tuple[int, ...],
    references: Sequence[str] = (),
) -> Described:
    """The best caption of a row of what a search found.

    Args:
        name: of what is described.
        found: the captions of a batch.
        row: which of them.
        spec: has the vocabulary.
        places: what the attention of a step unfolds to, such as (h, w); those that are too many for
            it are padding.
        references: what people said.
    """
    words = words_of(found.tokens[row, 0], spec)
    weights = None
    if found.weights is not None:
        seen = found.weights[row, 0, : len(words), : int(np.prod(places))]
        weights = seen.float().cpu().unflatten(-1, places).numpy()
    return Described(name, words, float(found.log_probabilities[row, 0]), weights, references)


def ranked(
    found: Hypotheses, row: int, spec: CaptionSpec | VideoCaptionSpec
) -> tuple[Hypothesis, ...]:
    """The captions of a row, best first."""
    return tuple(
        Hypothesis(" ".join(words_of(tokens, spec)), float(log_probability), float(score))
        for tokens, length, log_probability, score in zip(
            found.tokens[row],
            found.lengths[row],
            found.log_probabilities[row],
            found.scores[row],
            strict=True,
        )
        if length > 0  # there may be fewer than were asked for
    )


def draw_gallery(images: Sequence[np.ndarray], described: Sequence[Described], path: Path) -> None:
    """Pictures [height, width, 3] with their captions."""
    caption_gallery(
        images,
        [each.caption for each in described],
        path,
        log_probabilities=[each.log_probability for each in described],
        references=[each.references for each in described],
    )


def figure_name(name: str) -> str:
    """A name as one of a file, without its ending."""
    return re.sub(r"[^\w.-]", "_", str(Path(name).with_suffix("")))
