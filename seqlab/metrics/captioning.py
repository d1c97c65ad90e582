"""Scores of captions as the COCO caption evaluation computes them."""

import importlib.util
import re
import warnings
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from torch import Tensor
from torchmetrics import Metric

from seqlab.metrics.coco_java import JavaError, java_problem, meteor_score, one_line, ptb_tokenise
from seqlab.metrics.text_state import add_text_state, pack, unpack

# Punctuation of the PTB list; the point of 3.5, the hyphen of t-shirt, the quote of don't stay.
_PUNCTUATION = re.compile(
    r"""
    ["“”„`?!;…()\[\]{}–—] | --+
    | [.,:](?!\d) | (?<!\d)[.,:]
    | (?<!\w)['‘’-] | ['‘’-](?!\w)
    """,
    re.VERBOSE,
)


def simple_tokenise(text: str) -> str:
    """Lower case, punctuation removed, one space between words: where there is no Java.

    It differs from the PTB tokeniser where that takes words apart ("dog's" is "dog 's" there), so
    scores with one are not comparable with scores with the other.
    """
    return one_line(_PUNCTUATION.sub(" ", text.lower()))


class CaptionScores(Metric):
    """BLEU-1 to 4, ROUGE-L, CIDEr and METEOR of a corpus, on all references, all but CIDEr 0 to 1.

    pycocoevalcap 1.2 computes them: Papineni et al. (2002) with the closest reference length, Lin
    (2004) with beta 1.2, Vedantam et al. (2015) in its CIDEr-D form, Denkowski and Lavie (2014).
    CIDEr weighs an n-gram by how few of the images have it, so on a single image it is 0 by
    definition. Without Java captions are split by `simple_tokenise` and METEOR is absent; the
    signature says so.

    Args:
        meteor: whether METEOR is computed, which takes Java some seconds to start.

    Attributes:
        missing: scores that were asked for and could not be computed, and why.

    Raises:
        ImportError: pycocoevalcap is not installed.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    records: list[Tensor]

    def __init__(self, *, meteor: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if importlib.util.find_spec("pycocoevalcap") is None:
            raise ImportError("caption scores need pycocoevalcap: pip install seqlab[metrics]")
        add_text_state(self, "records")
        self.meteor = meteor
        self.missing: dict[str, str] = {}
        self._reference_tokens: dict[str, str] = {}
        self._java_problem = java_problem()
        if self._java_problem is not None:
            self._do_without_java(self._java_problem)

    def update(
        self,
        ids: Sequence[str],
        hypotheses: Sequence[str],
        references: Sequence[Sequence[str]],
    ) -> None:
        """Add images.

        Args:
            ids: a name for each image; of several records of one name the first counts.
            hypotheses: one caption for each image.
            references: the true captions of each image, at least one.

        Raises:
            ValueError: the lengths differ, or an image has no reference.
        """
        if not len(ids) == len(hypotheses) == len(references):
            raise ValueError(
                f"{len(ids)} ids, {len(hypotheses)} hypotheses and {len(references)} lists of "
                "references: there must be one of each per image"
            )
        for name, captions in zip(ids, references, strict=True):
            if isinstance(captions, str) or not captions:
                raise ValueError(f"image {name!r} needs a list of references, got {captions!r}")
        self.records += pack(zip(ids, hypotheses, references, strict=True), self.device)

    def compute(self) -> dict[str, float]:
        """The scores by name: bleu1 to bleu4, rouge_l, cider and, where it is available, meteor.

        Raises:
            ValueError: there are no images, or no reference has a word.
        """
        records = self._unique_records()
        hypotheses, references = self._tokenise(records)
        if not any(caption for captions in references for caption in captions):
            raise ValueError("there is no caption to score against: every reference is empty")
        scores = _python_scores(hypotheses, references)
        if self.meteor and self._java_problem is None:
            try:
                scores["meteor"] = meteor_score(hypotheses, references)
                self.missing.pop("meteor", None)
            except JavaError as error:
                self.missing["meteor"] = str(error)
                _warn_once(f"METEOR is not available: {error}")
        return scores

    def signature(self) -> str:
        """What the values depend on: tokeniser, version of pycocoevalcap, and METEOR or why not."""
        tokeniser = "ptb" if self._java_problem is None else "simple"
        if not self.meteor:
            meteor_version = "not asked for"
        elif "meteor" in self.missing:
            meteor_version = f"unavailable ({self.missing['meteor']})"
        else:
            meteor_version = "1.5"
        coco = version("pycocoevalcap")
        return f"tokeniser:{tokeniser}|pycocoevalcap:{coco}|meteor:{meteor_version}"

    def _unique_records(self) -> list[tuple[str, str, list[str]]]:
        """One record per name, sorted, so that the sums do not depend on who saw which image."""
        unique: dict[str, tuple[str, str, list[str]]] = {}
        for name, hypothesis, captions in unpack(self.records):
            unique.setdefault(name, (name, hypothesis, captions))
        if not unique:
            raise ValueError("there are no captions to score")
        return [unique[name] for name in sorted(unique)]

    def _tokenise(
        self, records: Sequence[tuple[str, str, list[str]]]
    ) -> tuple[list[str], list[list[str]]]:
        """Tokens of the hypotheses and of all references, those of references from earlier kept."""
        known = self._reference_tokens
        new = dict.fromkeys(c for _, _, captions in records for c in captions if c not in known)
        texts = [*new, *(hypothesis for _, hypothesis, _ in records)]
        if self._java_problem is None:
            try:
                tokens = ptb_tokenise(texts)
            except JavaError as error:
                self._do_without_java(str(error))
                return self._tokenise(records)
        else:
            tokens = [simple_tokenise(text) for text in texts]
        known.update(zip(new, tokens, strict=False))
        return tokens[len(new) :], [[known[c] for c in captions] for _, _, captions in records]

    def _do_without_java(self, problem: str) -> None:
        self._java_problem = problem
        self._reference_tokens.clear()  # of the other tokeniser
        if self.meteor:
            self.missing["meteor"] = problem
        _warn_once(
            f"{problem}: captions are tokenised simply, so scores are not comparable with "
            "published ones, and METEOR is not available"
        )


def _python_scores(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]]
) -> dict[str, float]:
    """What pycocoevalcap computes without Java, from tokenised captions."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    found = {number: [hypothesis] for number, hypothesis in enumerate(hypotheses)}
    true = {number: list(captions) for number, captions in enumerate(references)}
    bleu, _ = Bleu(4).compute_score(true, found, verbose=0)
    scores = {f"bleu{n}": float(score) for n, score in enumerate(bleu, start=1)}
    scores["rouge_l"] = float(Rouge().compute_score(true, found)[0])
    scores["cider"] = float(Cider().compute_score(true, found)[0])
    return scores


@cache
def _warn_once(message: str) -> None:
    warnings.warn(message, stacklevel=3)
