"""Scores of translations as sacrebleu computes them, and BLEU by the length of the source."""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from sacrebleu.metrics import BLEU, CHRF, TER
from torch import Tensor
from torchmetrics import Metric

from seqlab.metrics.text_state import add_text_state, pack, unpack

WIDTHS = (1, 2, 5, 10, 20, 50, 100)  # words that the sentences of a bucket may differ in


class TranslationScores(Metric):
    """BLEU, chrF and TER of a corpus, 0 to 100, and the fraction of exact matches, 0 to 1.

    sacrebleu (Post 2018) computes them, on all references:

    - `bleu`: Papineni et al. (2002) on cased text, split by sacrebleu's own tokeniser 13a.
    - `bleu_tokenised_lower`: the same on lower-cased words as `tokenise` splits them, which is what
      older papers report; it compares only with scores of the same tokeniser.
    - `chrf`: Popovic (2015), chrF2 of 6-grams of characters.
    - `ter`: Snover et al. (2006), edits per word of a reference, so that less is better.
    - `exact_match`: sentences that equal one of their references, white space around them aside.

    Args:
        tokenise: words of a text, `str.split` where the data is tokenised already.
        ter: whether TER is computed; it takes five times as long as all the rest.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    records: list[Tensor]

    def __init__(
        self, *, tokenise: Callable[[str], Sequence[str]], ter: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        add_text_state(self, "records")
        self.tokenise = tokenise
        self.ter = ter
        self._signatures: dict[str, str] = {}

    def update(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> None:
        """Add sentences.

        Args:
            hypotheses: translations as text, not as tokens.
            references: all true translations of each, at least one.

        Raises:
            ValueError: the lengths differ, or a sentence has no reference.
        """
        if len(hypotheses) != len(references):
            raise ValueError(
                f"{len(hypotheses)} hypotheses and {len(references)} lists of references: there "
                "must be one of each per sentence"
            )
        for hypothesis, texts in zip(hypotheses, references, strict=True):
            if isinstance(texts, str) or not texts:
                raise ValueError(f"{hypothesis!r} needs a list of references, got {texts!r}")
        self.records += pack(zip(hypotheses, references, strict=True), self.device)

    def compute(self) -> dict[str, float]:
        """The scores by name.

        Raises:
            ValueError: there are no sentences.
        """
        # Sorted, so that sums do not depend on which process saw which sentence.
        records = sorted(unpack(self.records))
        if not records:
            raise ValueError("there are no translations to score")
        hypotheses = [hypothesis for hypothesis, _ in records]
        references = [texts for _, texts in records]
        scores = {
            "bleu": self._score("bleu", _bleu(), hypotheses, references),
            "bleu_tokenised_lower": self._score(
                "bleu_tokenised_lower",
                _bleu(tokenize="none", lowercase=True),
                [self._words(text) for text in hypotheses],
                [[self._words(text) for text in texts] for texts in references],
            ),
            "chrf": self._score("chrf", CHRF(), hypotheses, references),
        }
        if self.ter:
            scores["ter"] = self._score("ter", TER(), hypotheses, references)
        matches = (text.strip() in map(str.strip, texts) for text, texts in records)
        scores["exact_match"] = sum(matches) / len(records)
        return scores

    def signature(self) -> dict[str, str]:
        """Signatures of sacrebleu for the scores that were last computed, by the score's name."""
        return dict(self._signatures)

    def _words(self, text: str) -> str:
        return " ".join(self.tokenise(text))

    def _score(
        self,
        name: str,
        metric: BLEU | CHRF | TER,
        hypotheses: Sequence[str],
        references: Sequence[Sequence[str]],
    ) -> float:
        score = metric.corpus_score(hypotheses, _streams(references)).score
        self._signatures[name] = str(metric.get_signature())
        return float(score)


class LengthBucket(NamedTuple):
    """Sentences of like length."""

    shortest: int  # words of the source
    longest: int
    num_sentences: int
    bleu: float  # of their corpus, 0 to 100


def bleu_by_length(
    lengths: Sequence[int],
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    most: int = 8,
) -> list[LengthBucket]:
    """BLEU of the sentences of like length, as in Bahdanau et al. (2015), figure 2.

    Args:
        lengths: words of each source.
        hypotheses: translations as text.
        references: all true translations of each.
        most: buckets at most; their width is the smallest of `WIDTHS` that makes so few.

    Returns:
        The buckets that hold a sentence, the shortest first; cased BLEU as of `TranslationScores`.
    """
    if not lengths:
        return []
    low, high = min(lengths), max(lengths)
    fitting = (w for w in WIDTHS if (high - 1) // w - (low - 1) // w < most)
    width = next(fitting, high)
    buckets: dict[int, list[int]] = {}
    for number, length in enumerate(lengths):
        buckets.setdefault((length - 1) // width, []).append(number)
    found = []
    for place, numbers in sorted(buckets.items()):
        texts = [hypotheses[n] for n in numbers]
        score = _bleu().corpus_score(texts, _streams([references[n] for n in numbers])).score
        found.append(LengthBucket(place * width + 1, (place + 1) * width, len(texts), score))
    return found


def _bleu(**settings: Any) -> BLEU:
    # `force` only keeps quiet about text that looks tokenised, as all of Multi30k's does.
    return BLEU(force=True, **settings)


def _streams(references: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """First references of all sentences, second ones and so on, None where there are fewer."""
    return [list(stream) for stream in zip_longest(*references)]
