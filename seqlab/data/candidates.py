"""Which slots a question is asked about, where there are too many to look at all."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqlab.data.question_coding import SlotTable, Table
from seqlab.data.spec import QuestionSpec


class SharedWords:
    """Chooses slots whose key shares a word with the question; Miller et al. (2016), section 3.1.

    Args:
        max_frequency: a word is not looked for that is in the keys of more slots than this, of
            those that the question may be asked about.
    """

    def __init__(self, *, max_frequency: int) -> None:
        if max_frequency < 1:
            raise ValueError(f"max_frequency is {max_frequency}, and has to be at least 1")
        self.max_frequency = max_frequency

    def index(self, table: SlotTable) -> "WordIndex":
        """An index of these slots."""
        return WordIndex(table.keys or table.words, self.max_frequency)


class WordIndex:
    """Slots by the words of their keys: an inverted index.

    Args:
        keys: words of each slot's key.
        max_frequency: a word of more slots than this is not looked for.
    """

    def __init__(self, keys: Table, max_frequency: int) -> None:
        self.max_frequency = max_frequency
        slots, columns = np.nonzero(np.arange(keys.numbers.shape[1]) < keys.lengths[:, None])
        words = keys.numbers[slots, columns]
        known = words > QuestionSpec.unknown_id
        pairs = np.unique(np.stack([words[known], slots[known]], axis=1), axis=0)
        self._slots = pairs[:, 1]
        # The slots of word w are those from starts[w] to starts[w + 1] - 1, rising.
        counts = np.bincount(pairs[:, 0]) if len(pairs) else np.zeros(1, np.int64)
        self._starts = np.concatenate([[0], np.cumsum(counts)])

    def find(
        self, question: Sequence[int], first: int, last: int, limit: int | None
    ) -> NDArray[np.int64]:
        """Numbers of slots that share a word with a question, in their order.

        Args:
            question: numbers of its words.
            first: of the slots it may be asked about.
            last: the one after these.
            limit: most slots; where more share a word, those that share the most words, a word
                counting the more the fewer slots have it. None for no limit.
        """
        found, weights = [], []
        for word in set(question):
            slots = self._of(word)
            slots = slots[np.searchsorted(slots, first) : np.searchsorted(slots, last)]
            if 0 < len(slots) <= self.max_frequency:
                found.append(slots)
                weights.append(np.full(len(slots), 1 / len(slots)))
        if not found:
            return np.zeros(0, np.int64)
        chosen, places = np.unique(np.concatenate(found), return_inverse=True)
        if limit is None or len(chosen) <= limit:
            return chosen
        weight = np.bincount(places, weights=np.concatenate(weights))
        return chosen[np.sort(np.argsort(-weight, kind="stable")[:limit])]

    def _of(self, word: int) -> NDArray[np.int64]:
        if word >= len(self._starts) - 1:
            return self._slots[:0]
        return self._slots[self._starts[word] : self._starts[word + 1]]
