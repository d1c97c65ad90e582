"""Sentences and their translations of any source, in batches."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from typing import ClassVar

from lightning import LightningDataModule

from seqlab.data.batches import TranslationBatch
from seqlab.data.codings import Coding, Side
from seqlab.data.errors import DataError
from seqlab.data.loading import ResumableLoader
from seqlab.data.parallel_text import ParallelSource, SentencePair
from seqlab.data.plans import Plan, SortedTokens, TokenBuckets
from seqlab.data.spec import TranslationSpec
from seqlab.data.text_coding import TextCoding, Tokenisation, Tokeniser
from seqlab.data.translation_dataset import TranslationDataset, collate

log = logging.getLogger(__name__)

SPLITS = ("train", "val", "test")

# How many times as many tokens a batch of evaluation has: without gradients there is room, and each
# step of a search costs much the same for few sentences as for many.
_EVALUATION_BATCHES = 4


class TranslationDataModule(LightningDataModule):
    """Batches of sentences and their translations.

    Evaluation gives the longest sentences first, so that little is padding; `example_ids` say
    where each stands in its files.

    Args:
        source: reads the data set.
        coding: what tokens are; those of the training split are found at setup.
        tokenisation: how words are separated and joined; see `Tokeniser`.
        lower_case: whether capitals are made small, in both languages.
        max_words: pairs with more words on either side are not trained on, though evaluated; None
            for no limit.
        batch_tokens: most tokens of a training batch on either side, ends and padding included;
            four times as many in evaluation. A pair that is longer by itself is a batch of its own.
        num_workers: processes that load; 0 loads in the main one.
        seed: what the order is a function of.
    """

    batch_type: ClassVar = TranslationBatch

    def __init__(
        self,
        *,
        source: ParallelSource,
        coding: Coding,
        tokenisation: Tokenisation,
        lower_case: bool,
        max_words: int | None,
        batch_tokens: int,
        num_workers: int,
        seed: int,
    ) -> None:
        super().__init__()
        if batch_tokens < 1:
            raise ValueError(f"batch_tokens is {batch_tokens}, and has to be at least 1")
        self.source = source
        self.coding = coding
        self.tokenisation: Tokenisation = tokenisation
        self.lower_case = lower_case
        self.max_words = max_words
        self.batch_tokens = batch_tokens
        self.num_workers = num_workers
        self.seed = seed
        self._splits: dict[str, tuple[SentencePair, ...]] = {}
        self._datasets: dict[str, TranslationDataset] = {}
        self._spec: TranslationSpec | None = None

    @property
    def spec(self) -> TranslationSpec:
        """What the data says of itself, once it is set up."""
        if self._spec is None:
            raise RuntimeError("the data says what it is after setup()")
        return self._spec

    def setup(self, stage: str | None = None) -> None:
        """Read the data set and learn the codings, once.

        Raises:
            DataError: files are missing or malformed, a package is not installed, or no pair is
                left to train on.
        """
        if self._splits:
            return
        splits = self.source.read()
        split_hash = _hash(splits)
        sides = [
            Side(tokeniser, [tokeniser.split(text) for text in texts])
            for tokeniser, texts in zip(self._tokenisers(), _texts(splits["train"]), strict=True)
        ]
        kept = self._short_enough(*(side.sentences for side in sides))
        if not kept:
            raise DataError(["no pair of the training split is left"], "is the data set complete?")
        splits["train"] = tuple(splits["train"][n] for n in kept)
        sides = [Side(side.tokeniser, [side.sentences[n] for n in kept]) for side in sides]
        source, target = self.coding.learn(*sides)
        self._splits = splits
        self._datasets["train"] = TranslationDataset(
            splits["train"],
            [source.encode_words(words) for words in sides[0].sentences],
            [target.encode_words(words) for words in sides[1].sentences],
        )
        self._code(source, target, [split for split in SPLITS if split != "train"])
        self._spec = TranslationSpec(
            source_language=self.source.source_language,
            target_language=self.source.target_language,
            source_text=source.to_json(),
            target_text=target.to_json(),
            max_length=max(self._datasets["train"].target_lengths()),
            split_hash=split_hash,
        )

    def _tokenisers(self) -> tuple[Tokeniser, Tokeniser]:
        return (
            Tokeniser(self.tokenisation, self.source.source_language, self.lower_case),
            Tokeniser(self.tokenisation, self.source.target_language, self.lower_case),
        )

    def _short_enough(
        self, sources: Sequence[Sequence[str]], targets: Sequence[Sequence[str]]
    ) -> list[int]:
        """Numbers of the training pairs within the limit; the others are counted."""
        limit = self.max_words
        if limit is None:
            return list(range(len(sources)))
        longest = [max(map(len, pair)) for pair in zip(sources, targets, strict=True)]
        kept = [number for number, length in enumerate(longest) if length <= limit]
        log.log(
            logging.WARNING if len(kept) < len(sources) else logging.INFO,  # warnings are shown
            "%s of %s training pairs are longer than %d words and left out",
            f"{len(sources) - len(kept):,}",
            f"{len(sources):,}",
            limit,
        )
        return kept

    def adopt(self, spec: TranslationSpec) -> None:
        """Number the tokens as the spec of a checkpoint does, once the data is set up."""
        if not self._splits:
            raise RuntimeError("a spec is adopted after setup()")
        if spec != self._spec:
            source = TextCoding.from_json(spec.source_text)
            target = TextCoding.from_json(spec.target_text)
            self._code(source, target, SPLITS)
        self._spec = spec

    def _code(self, source: TextCoding, target: TextCoding, splits: Sequence[str]) -> None:
        for split in splits:
            sources, targets = _texts(self._splits[split])
            self._datasets[split] = TranslationDataset(
                self._splits[split], [*map(source.encode, sources)], [*map(target.encode, targets)]
            )

    def num_pairs(self, split: str) -> int:
        """How many pairs a split has, of which training may leave out long ones."""
        return len(self._splits[split])

    def split(self, name: str) -> tuple[SentencePair, ...]:
        """The pairs of a split as they were read; of training, those that are trained on."""
        return self._splits[name]

    def train_dataloader(self) -> ResumableLoader:
        """Training pairs in an order of chance."""
        data = self._datasets["train"]
        plan = TokenBuckets(
            data.source_lengths(),
            data.target_lengths(),
            batch_tokens=self.batch_tokens,
            seed=self.seed,
        )
        return self._loader("train", plan)

    def val_dataloader(self) -> ResumableLoader | list[TranslationBatch]:
        """Validation pairs by length; none, and a warning, where there is no pair."""
        return self._evaluation_loader("val")

    def test_dataloader(self) -> ResumableLoader | list[TranslationBatch]:
        """Test pairs by length; none, and a warning, where there is no pair."""
        return self._evaluation_loader("test")

    def _evaluation_loader(self, split: str) -> ResumableLoader | list[TranslationBatch]:
        if not self.num_pairs(split):
            log.warning("the %s split has no pair here, so nothing is measured on it", split)
            return []
        data = self._datasets[split]
        tokens = _EVALUATION_BATCHES * self.batch_tokens
        plan = SortedTokens(data.source_lengths(), data.target_lengths(), batch_tokens=tokens)
        return self._loader(split, plan)

    def _loader(self, split: str, plan: Plan) -> ResumableLoader:
        return ResumableLoader(self._datasets[split], plan, collate, num_workers=self.num_workers)

    def check(self, on_progress: Callable[[int, int], None] | None = None) -> list[str]:
        """None: all that can be wrong with text shows when it is read.

        Raises:
            DataError: as `setup` does.
        """
        self.setup()
        if on_progress is not None:
            total = sum(map(self.num_pairs, SPLITS))
            on_progress(total, total)
        return []


def _texts(pairs: Sequence[SentencePair]) -> tuple[list[str], list[str]]:
    return [pair.source for pair in pairs], [pair.target for pair in pairs]


def _hash(splits: dict[str, tuple[SentencePair, ...]]) -> str:
    digest = hashlib.sha256()
    for name in SPLITS:
        for pair in splits[name]:
            digest.update("\t".join(pair).encode() + b"\n")
    return digest.hexdigest()
