"""How the codings of two languages are learnt from training pairs."""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from seqlab.data.errors import DataError
from seqlab.data.text_coding import PieceCoding, TextCoding, Tokeniser, WordCoding, library
from seqlab.data.vocabulary import SPECIALS, UNKNOWN_ID, Vocabulary

Words = Sequence[str]


class Side(NamedTuple):
    """One language of the training split."""

    tokeniser: Tokeniser
    sentences: Sequence[Words]


class Coding(ABC):
    """What tokens are, and how those of a data set are found."""

    @abstractmethod
    def learn(self, source: Side, target: Side) -> tuple[TextCoding, TextCoding]:
        """The codings of source and target, of training sentences alone.

        Raises:
            DataError: a package is not installed, or the sentences are too few.
        """


class WordCodings(Coding):
    """A vocabulary of words for each language.

    Args:
        min_count: how often a word occurs in the training sentences at least to be known.
    """

    def __init__(self, *, min_count: int) -> None:
        if min_count < 1:
            raise ValueError(f"min_count is {min_count}, and has to be at least 1")
        self.min_count = min_count

    def learn(self, source: Side, target: Side) -> tuple[TextCoding, TextCoding]:
        return self._of(source), self._of(target)

    def _of(self, side: Side) -> WordCoding:
        words = Vocabulary.of(side.sentences, min_count=self.min_count).words
        return WordCoding(side.tokeniser, words)


class BytePairCodings(Coding):
    """Pieces of words, found by merging frequent neighbours; Sennrich et al. (2016).

    Args:
        num_pieces: size of a vocabulary at most, characters and specials included.
        min_count: how often neighbours occur together at least to be merged.
        joint: whether both languages share one vocabulary, learnt on both, so that names and
            cognates are cut alike.
    """

    def __init__(self, *, num_pieces: int, min_count: int, joint: bool) -> None:
        self.num_pieces = num_pieces
        self.min_count = min_count
        self.joint = joint

    def learn(self, source: Side, target: Side) -> tuple[TextCoding, TextCoding]:
        if self.joint:
            shared = self._train([*source.sentences, *target.sentences])
            return PieceCoding(source.tokeniser, shared), PieceCoding(target.tokeniser, shared)
        return (
            PieceCoding(source.tokeniser, self._train(source.sentences)),
            PieceCoding(target.tokeniser, self._train(target.sentences)),
        )

    def _train(self, words: Iterable[Words]) -> str:
        """A model of the tokenizers library as JSON text."""
        # Its threads would make workers that load warn at their start, and gain little here.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        tokenizers = library()
        specials = [f" {special}" for special in SPECIALS]
        unknown = specials[UNKNOWN_ID]
        sentences = [*map(" ".join, words)]
        model = tokenizers.models.BPE(unk_token=unknown, end_of_word_suffix=" ")
        trained = tokenizers.Tokenizer(model)
        trained.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=self.num_pieces,
            min_frequency=self.min_count,
            # The library would number characters that end a word in an order of chance, and so
            # break ties between neighbours by chance.
            special_tokens=[*specials, *_alphabet(sentences)],
            end_of_word_suffix=" ",
            show_progress=False,
        )
        trained.train_from_iterator(sentences, trainer)
        size = trained.get_vocab_size()
        if size > self.num_pieces:
            problem = f"the characters alone are {size:,}, num_pieces is {self.num_pieces:,}"
            raise DataError([problem], f"set data.coding.num_pieces to {2 * size} or more")
        values = json.loads(trained.to_str())
        # The specials are known by their ids alone: never found in a text, whatever stands there.
        values["added_tokens"] = []
        return json.dumps(values, ensure_ascii=False)


def _alphabet(sentences: Iterable[str]) -> list[str]:
    """The characters, and those with a blank that end a word."""
    words = {word for sentence in sentences for word in sentence.split(" ") if word}
    return sorted({*"".join(words)} | {word[-1] + " " for word in words})
