"""How a line of text becomes tokens, their numbers, and a line again."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from seqlab.data.errors import DataError
from seqlab.data.vocabulary import END_ID, SPECIALS, UNKNOWN_ID

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Tokenisation = Literal["whitespace", "moses", "moses_spaced"]

NUM_SPECIALS = len(SPECIALS)
_CONTINUED = "@@"  # marks a piece that does not end its word, as Sennrich et al. (2016) write it


@dataclass(frozen=True)
class Tokeniser:
    """Words of a line, and a line of words.

    Args:
        tokenisation: `whitespace`: words are what blanks separate. `moses`: as the Moses scripts
            separate them, and rejoined as these do. `moses_spaced`: the same words, but written
            with blanks between them, as in files that are tokenised already. The words of such
            files are kept, and text that is not tokenised is understood too.
        language: its code, on which Moses depends.
        lower_case: whether capitals are made small.
    """

    tokenisation: Tokenisation
    language: str
    lower_case: bool

    def split(self, text: str) -> list[str]:
        """Words of a line; none has white space inside."""
        text = text.lower() if self.lower_case else text
        if self.tokenisation == "whitespace":
            return text.split()
        split, join = _moses(self.language)
        if self.tokenisation == "moses_spaced":
            # Moses would part "'s", once it stands alone; joined first, it is found again.
            text = join.detokenize(text.split(), unescape=False)
        return " ".join(split.tokenize(text, escape=False)).split()

    def join(self, words: Sequence[str]) -> str:
        """The line of words."""
        if self.tokenisation == "moses":
            return str(_moses(self.language)[1].detokenize(list(words), unescape=False))
        return " ".join(words)


@cache
def _moses(language: str) -> tuple[Any, Any]:
    """The tokeniser and the detokeniser of a language."""
    try:
        from sacremoses import MosesDetokenizer, MosesTokenizer
    except ImportError as error:
        hint = "pip install 'seqlab[text]', or set data.tokenisation=whitespace"
        raise DataError(["Moses tokenisation needs the package sacremoses"], hint) from error
    return MosesTokenizer(language), MosesDetokenizer(language)


class TextCoding(ABC):
    """Numbers for a line of one language, and back; ids 0 to 3 are the specials.

    Args:
        tokeniser: separates and joins words.
    """

    def __init__(self, tokeniser: Tokeniser) -> None:
        self.tokeniser = tokeniser

    @abstractmethod
    def __len__(self) -> int:
        """Size of the vocabulary, specials included."""

    @abstractmethod
    def encode_words(self, words: Sequence[str]) -> list[int]:
        """Ids of words that the tokeniser gave."""

    @abstractmethod
    def decode(self, ids: Iterable[int]) -> str:
        """The line of ids up to their end; padding and start are passed over."""

    @abstractmethod
    def pieces(self, line: str | Sequence[int]) -> list[str]:
        """Tokens as they are shown: of a line as it is written, or the names of ids.

        Those of a line stand for its ids one by one; where a token is unknown it is shown as it
        stands in the line, so that it can be copied. Those of ids end before their end.
        """

    @abstractmethod
    def join(self, pieces: Sequence[str]) -> str:
        """The line of tokens as `pieces` shows them, in which some may have been replaced."""

    @abstractmethod
    def to_json(self) -> str:
        """The coding as JSON text."""

    def encode(self, text: str) -> list[int]:
        """Ids of a line, without start and end."""
        return self.encode_words(self.tokeniser.split(text))

    @staticmethod
    def from_json(text: str) -> "TextCoding":
        """The coding that `to_json` wrote.

        Raises:
            ValueError: the text is none.
        """
        values = json.loads(text)
        try:
            tokeniser = Tokeniser(**values["tokeniser"])
            if values["kind"] == "words":
                return WordCoding(tokeniser, values["words"])
            if values["kind"] == "pieces":
                return PieceCoding(tokeniser, values["model"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is no text coding: {text[:60]}") from error
        raise ValueError(f"there is no text coding of the kind {values['kind']!r}")


class WordCoding(TextCoding):
    """A number for each known word.

    Args:
        tokeniser: separates and joins words.
        words: the vocabulary, the specials first.
    """

    def __init__(self, tokeniser: Tokeniser, words: Sequence[str]) -> None:
        super().__init__(tokeniser)
        self.words = tuple(words)
        # A word that is spelled like a special is a word like others.
        self._ids = {word: n for n, word in enumerate(self.words) if n >= NUM_SPECIALS}

    def __len__(self) -> int:
        return len(self.words)

    def encode_words(self, words: Sequence[str]) -> list[int]:
        return [self._ids.get(word, UNKNOWN_ID) for word in words]

    def decode(self, ids: Iterable[int]) -> str:
        return self.tokeniser.join([self.words[n] for n in _content(ids)])

    def pieces(self, line: str | Sequence[int]) -> list[str]:
        if isinstance(line, str):
            return self.tokeniser.split(line)
        return [self.words[n] for n in _content(line)]

    def join(self, pieces: Sequence[str]) -> str:
        return self.tokeniser.join(pieces)

    def to_json(self) -> str:
        values = {"kind": "words", "tokeniser": asdict(self.tokeniser), "words": self.words}
        return json.dumps(values, ensure_ascii=False)


class PieceCoding(TextCoding):
    """A number for each piece of a word, by byte-pair encoding; Sennrich et al. (2016).

    In the model a blank at the end of a piece ends its word. No word has a blank, so nothing that
    is written in a text can be mistaken for the mark, and the specials, which begin with one,
    cannot be mistaken for pieces.

    Args:
        tokeniser: separates and joins words.
        model: of the tokenizers library, as JSON text; see `seqlab.data.codings.BytePairs`.
    """

    def __init__(self, tokeniser: Tokeniser, model: str) -> None:
        super().__init__(tokeniser)
        self.model = model
        self._model: Tokenizer = library().Tokenizer.from_str(model)

    def __len__(self) -> int:
        return int(self._model.get_vocab_size())

    def encode_words(self, words: Sequence[str]) -> list[int]:
        return list(self._model.encode(list(words), is_pretokenized=True).ids)

    def decode(self, ids: Iterable[int]) -> str:
        return self.tokeniser.join("".join(map(self._name, _content(ids))).split())

    def pieces(self, line: str | Sequence[int]) -> list[str]:
        if not isinstance(line, str):
            return [_show(self._name(n)) for n in _content(line)]
        words = self.tokeniser.split(line)
        coded = self._model.encode(words, is_pretokenized=True)
        shown = []
        for number, (start, end) in zip(coded.word_ids, coded.offsets, strict=True):
            word = words[int(number or 0)]  # None is for specials, of which a line has none
            shown.append(word[start:end] + ("" if end == len(word) else _CONTINUED))
        return shown

    def join(self, pieces: Sequence[str]) -> str:
        parts = [p.removesuffix(_CONTINUED) if p.endswith(_CONTINUED) else p + " " for p in pieces]
        return self.tokeniser.join("".join(parts).split())

    def to_json(self) -> str:
        values = {"kind": "pieces", "tokeniser": asdict(self.tokeniser), "model": self.model}
        return json.dumps(values, ensure_ascii=False)

    def _name(self, number: int) -> str:
        """A piece as the model spells it; the unknown stands as a word of its own."""
        if number == UNKNOWN_ID:
            return SPECIALS[UNKNOWN_ID] + " "
        return str(self._model.id_to_token(number))


def _show(name: str) -> str:
    return name[:-1] if name.endswith(" ") else name + _CONTINUED


def _content(ids: Iterable[int]) -> list[int]:
    """The ids before the end that stand for text."""
    content = []
    for number in ids:
        if number == END_ID:
            break
        if number >= UNKNOWN_ID:
            content.append(int(number))
    return content


def library() -> Any:
    """The tokenizers library.

    Raises:
        DataError: it is not installed.
    """
    try:
        import tokenizers
    except ImportError as error:
        hint = "pip install 'seqlab[text]', or choose coding=words"
        raise DataError(["byte-pair encoding needs the package tokenizers"], hint) from error
    return tokenizers
