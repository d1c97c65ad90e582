"""BLEU and CIDEr-D as their papers write them, to test the scores against."""

from collections import Counter

import numpy as np

Record = tuple[str, str, list[str]]  # image, hypothesis, references


def ngrams(text: str, n: int) -> Counter:
    """How often each run of n words stands in a text."""
    words = text.split()
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def bleu_by_hand(records: list[Record], order: int) -> float:
    """Papineni et al. (2002), equations 1 to 3, with the closest reference length."""
    correct, guessed = np.zeros(order), np.zeros(order)
    length = reference_length = 0
    for _, hypothesis, references in records:
        own = len(hypothesis.split())
        length += own
        lengths = sorted(len(reference.split()) for reference in references)
        reference_length += min(lengths, key=lambda r: abs(r - own))
        for n in range(1, order + 1):
            found = ngrams(hypothesis, n)
            for gram, count in found.items():
                correct[n - 1] += min(count, max(ngrams(r, n)[gram] for r in references))
            guessed[n - 1] += sum(found.values())
    brevity = min(1.0, np.exp(1 - reference_length / length))
    return brevity * np.exp(np.log(correct / guessed).mean())


def cider_by_hand(records: list[Record]) -> float:
    """CIDEr-D, Vedantam et al. (2015), equations 3 to 5, with tf counted, not divided by length."""
    scores = np.zeros((len(records), 4))
    for n in range(1, 5):
        frequency = Counter(
            gram for _, _, refs in records for gram in set().union(*(ngrams(r, n) for r in refs))
        )
        vocabulary = sorted(set(frequency) | {g for _, h, _ in records for g in ngrams(h, n)})
        df = np.array([max(1, frequency[gram]) for gram in vocabulary])
        idf = np.log(len(records)) - np.log(df)

        def vector(text: str, n=n, vocabulary=vocabulary, idf=idf) -> np.ndarray:
            counts = ngrams(text, n)
            return np.array([counts[gram] for gram in vocabulary]) * idf

        for i, (_, hypothesis, references) in enumerate(records):
            h = vector(hypothesis)
            for reference in references:
                r = vector(reference)
                norms = np.linalg.norm(h) * np.linalg.norm(r)
                # The implementation's length is the number of bigrams.
                words = [max(len(text.split()) - 1, 0) for text in (hypothesis, reference)]
                penalty = np.exp(-((words[0] - words[1]) ** 2) / (2 * 6.0**2))
                if norms > 0:
                    scores[i, n - 1] += penalty * (np.minimum(h, r) @ r) / norms / len(references)
    return 10 * scores.mean()
