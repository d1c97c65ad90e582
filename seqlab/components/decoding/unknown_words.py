"""Words that the vocabulary lacks, taken from the source."""

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray
from torch import Tensor


def replace_unknown(
    words: Sequence[str],
    weights: Tensor | NDArray[Any],
    source_words: Sequence[str],
    unknown: str,
) -> list[str]:
    """Copy the most attended source word to the place of each unknown one.

    Jean et al. (2015), section 4.1, and Luong et al. (2015), section 4, with attention in the place
    of an aligner and no dictionary. The end of the source is no word and is never copied.

    Args:
        words: of the translation, T, its end left out.
        weights: attention at each word, [T or more, S or more]; the columns after those of the
            source's words are its end and padding.
        source_words: of the source, S, its end left out.
        unknown: how an unknown word is written.

    Raises:
        ValueError: there are fewer weights than words.
    """
    if weights.shape[0] < len(words) or weights.shape[1] < len(source_words):
        raise ValueError(
            f"weights {tuple(weights.shape)} are too few for {len(words)} words and a source of "
            f"{len(source_words)}"
        )
    if not source_words:
        return list(words)
    return [
        source_words[int(weights[t, : len(source_words)].argmax())] if word == unknown else word
        for t, word in enumerate(words)
    ]
