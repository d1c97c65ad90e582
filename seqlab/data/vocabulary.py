"""Words of a caption, and numbers for them."""

import html
import re
from collections import Counter
from collections.abc import Iterable, Sequence

SPECIALS = ("<padding>", "<start>", "<end>", "<unknown>")  # ids 0 to 3, as in the spec
END_ID, UNKNOWN_ID = 2, 3

_CURLY = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})
# As in "don't" and "dog's": the Penn Treebank counts the ending as a word of its own.
_ENDING = re.compile(r"(?<=\w)(n't|'(?:s|m|d|re|ve|ll))(?!\w)")
# Accents and, in Devanagari, vowels that are no letters by themselves, but part of a word.
_MARKS = "\u0300-\u036f\u0900-\u0903\u093a-\u093c\u093e-\u094f\u0951-\u0957\u0962\u0963\u200c\u200d"
_LETTERS = rf"[^\W_]+(?:[{_MARKS}]+[^\W_]*)*"
_WORD = re.compile(
    r"(?<!\w)n't(?!\w)|'(?:s|m|d|re|ve|ll)(?!\w)"  # endings
    r"|(?:[^\W\d_]\.){2,}"  # u.s.
    rf"|{_LETTERS}(?:[.,:/](?=\d)[^\W_]+|[-'&]{_LETTERS})*"  # at&t, o'clock, 4.5, 10:30
    r"|[&#$%@+=]"
)


def tokenise(text: str) -> list[str]:
    """Words of a text in lower case, for every source alike.

    As the COCO caption evaluation sees a caption: split as in the Penn Treebank (do n't, dog 's,
    tri-colored), then without punctuation. Symbols that are read aloud (&, #, $, %) are words.
    """
    plain = html.unescape(text).lower().translate(_CURLY)
    return _WORD.findall(_ENDING.sub(r" \1", re.sub(r"\bcannot\b", "can not", plain)))


class Vocabulary:
    """Numbers for words.

    Args:
        words: all of them, the specials first; a word's place is its number.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self._ids = {word: number for number, word in enumerate(self.words)}

    @classmethod
    def of(cls, captions: Iterable[Sequence[str]], *, min_count: int) -> "Vocabulary":
        """The words that training captions use often enough, most frequent first.

        Args:
            captions: words of each.
            min_count: how often a word occurs at least.
        """
        counts = Counter(word for caption in captions for word in caption)
        kept = [word for word, count in counts.items() if count >= min_count]
        # Ties by spelling, so that the numbers do not hang on the order of the examples.
        return cls((*SPECIALS, *sorted(kept, key=lambda word: (-counts[word], word))))

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, words: Iterable[str]) -> list[int]:
        """Numbers of words."""
        return [self._ids.get(word, UNKNOWN_ID) for word in words]

    def decode(self, ids: Iterable[int]) -> str:
        """Text of numbers up to the end, without padding and start."""
        words = []
        for number in ids:
            if number == END_ID:
                break
            if number >= UNKNOWN_ID:
                words.append(self.words[number])
        return " ".join(words)
