"""The data module: its batches say what the files said."""

import logging
import sys
from typing import Any

import pytest
import torch

from seqlab.data.batches import TranslationBatch
from seqlab.data.codings import BytePairCodings, WordCodings
from seqlab.data.errors import DataError
from seqlab.data.parallel_text import ParallelSource, SentencePair
from seqlab.data.spec import TranslationSpec
from seqlab.data.synthetic.parallel_language import ParallelLanguage
from seqlab.data.text_coding import TextCoding
from seqlab.data.translation import TranslationDataModule

CODINGS = (WordCodings(min_count=1), BytePairCodings(num_pieces=90, min_count=2, joint=True))


class _Pairs(ParallelSource):
    """A few pairs that a test writes down."""

    source_language, target_language = "en", "de"

    def __init__(self, **splits: list[tuple[str, str]]) -> None:
        self.splits = splits

    def read(self) -> dict[str, tuple[SentencePair, ...]]:
        return {
            split: tuple(
                SentencePair(f"{split}:{n}", *pair)
                for n, pair in enumerate(self.splits.get(split, []), start=1)
            )
            for split in ("train", "val", "test")
        }


TINY = _Pairs(
    train=[("a b", "A B C"), ("a a b c d", "A"), ("b", "B"), ("a", "C D")],
    val=[("a x", "X A"), ("b a c", "A")],
)


def _module(source: ParallelSource = TINY, **changed: Any) -> TranslationDataModule:
    settings: dict[str, Any] = {
        "coding": WordCodings(min_count=1),
        "tokenisation": "whitespace",
        "lower_case": False,
        "max_words": None,
        "batch_tokens": 60,
        "num_workers": 0,
        "seed": 1,
    }
    module = TranslationDataModule(source=source, **(settings | changed))
    module.setup()
    return module


def _language(**changed: Any) -> TranslationDataModule:
    source = ParallelLanguage(num_train=200, num_val=30, num_test=20, seed=5)
    return _module(source, **changed)


def _epoch(module: TranslationDataModule, epoch: int = 0) -> list[TranslationBatch]:
    loader = module.train_dataloader()
    loader.set_epoch(epoch)
    return list(loader)


def _codings(module: TranslationDataModule) -> list[TextCoding]:
    return [TextCoding.from_json(t) for t in (module.spec.source_text, module.spec.target_text)]


@pytest.mark.parametrize("coding", CODINGS)
def test_a_batch_says_what_the_pairs_say(coding: Any) -> None:
    module = _language(coding=coding)
    source_text, target_text = _codings(module)
    pairs = {p.example_id: p for split in ("train", "val") for p in module.split(split)}
    seen = []
    for batch in (*_epoch(module), *module.val_dataloader()):
        for row, example_id in enumerate(batch.example_ids):
            seen.append(example_id)
            pair = pairs[example_id]
            assert batch.source_texts[row] == pair.source
            assert batch.references[row] == (pair.target,)
            source, target = source_text.encode(pair.source), target_text.encode(pair.target)
            source_length, length = len(source) + 1, len(target) + 1
            assert batch.source_lengths[row] == source_length
            assert batch.lengths[row] == length
            assert batch.source[row, :source_length].tolist() == [*source, 2]
            assert batch.tokens[row, : length + 1].tolist() == [1, *target, 2]
            assert (batch.source[row, source_length:] == 0).all()
            assert (batch.tokens[row, length + 1 :] == 0).all()
        assert batch.source.shape[1] == batch.source_lengths.max()
        assert batch.tokens.shape[1] == batch.lengths.max() + 1
    assert sorted(seen) == sorted(pairs)


def test_no_batch_holds_more_tokens_than_it_may() -> None:
    module = _language()
    batches = _epoch(module)
    assert max(batch.source.numel() for batch in batches) <= 60
    assert max(batch.tokens[:, 1:].numel() for batch in batches) <= 60
    evaluated = list(module.val_dataloader())
    assert 60 < max(batch.source.numel() for batch in evaluated) <= 240
    lengths = [length for batch in evaluated for length in batch.source_lengths.tolist()]
    assert lengths == sorted(lengths, reverse=True)


def test_what_is_seen_is_a_function_of_seed_and_epoch() -> None:
    def ids(module: TranslationDataModule, epoch: int) -> list[tuple[str, ...]]:
        return [batch.example_ids for batch in _epoch(module, epoch)]

    first = ids(_language(), 1)
    assert ids(_language(), 1) == first
    assert ids(_language(num_workers=2), 1) == first
    assert ids(_language(), 2) != first
    assert ids(_language(seed=2), 1) != first


def test_an_epoch_goes_on_where_it_was_left() -> None:
    whole = _language().train_dataloader()
    whole.set_epoch(3)
    batches = list(whole)
    begun = _language().train_dataloader()
    begun.set_epoch(3)
    iterator = iter(begun)
    for _ in range(5):
        next(iterator)
    resumed = _language().train_dataloader()
    resumed.load_state_dict(begun.state_dict())
    resumed.set_epoch(3)
    rest = list(resumed)
    assert len(rest) == len(batches) - 5
    for one, other in zip(rest, batches[5:], strict=True):
        assert one.example_ids == other.example_ids
        assert torch.equal(one.tokens, other.tokens)


def test_the_spec_tells_all() -> None:
    spec = _language().spec
    assert (spec.source_language, spec.target_language) == ("en", "art")
    assert TranslationSpec.from_json(spec.to_json()) == spec
    assert spec.max_length == max(int(b.lengths.max()) for b in _epoch(_language()))
    assert _language(seed=2).spec == spec
    other = ParallelLanguage(num_train=200, num_val=30, num_test=20, seed=6)
    assert _module(other).spec.split_hash != spec.split_hash


@pytest.mark.parametrize("coding", CODINGS)
def test_codings_are_of_the_training_split_alone(coding: Any) -> None:
    source, target = _codings(_module(coding=coding))
    assert 3 in source.encode("x")
    assert 3 in target.encode("X")
    assert 3 not in source.encode("a b c d")
    (batch,) = _module(coding=coding).val_dataloader()
    assert (batch.source == 3).any()
    assert "X A" in [references[0] for references in batch.references]


def test_long_pairs_are_left_out_of_training_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):  # which is shown
        module = _module(max_words=2)
    assert "2 of 4 training pairs are longer than 2 words and left out" in caplog.text
    assert [pair.example_id for pair in module.split("train")] == ["train:3", "train:4"]
    assert module.num_pairs("val") == 2
    assert _codings(module)[0].encode("a b c") == [4, 5, 3]
    assert module.spec.max_length == 3
    assert module.spec.split_hash == _module().spec.split_hash  # of what was read
    caplog.clear()
    with caplog.at_level(logging.INFO):
        _module()
    assert "left out" not in caplog.text


def test_nothing_to_train_on_is_an_error() -> None:
    with pytest.raises(DataError, match="no pair of the training split is left"):
        _module(max_words=0)


def test_an_empty_split_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    module = _module()
    assert module.test_dataloader() == []
    assert "the test split has no pair here" in caplog.text
    assert len(list(module.val_dataloader())) == 1


def test_lower_case_is_for_tokens_not_for_references() -> None:
    module = _module(lower_case=True)
    assert _codings(module)[1].pieces("A B") == ["a", "b"]
    assert _epoch(module)[0].references[0][0].isupper()


@pytest.mark.parametrize("coding", CODINGS)
def test_a_coding_can_be_adopted(coding: Any) -> None:
    module = _module(coding=coding)
    elsewhere = _Pairs(train=[("zz a a b q", "Q Z")], val=TINY.splits["val"])
    other = _module(elsewhere, coding=coding)
    assert other.spec != module.spec
    other.adopt(module.spec)
    assert other.spec == module.spec
    (batch,) = _epoch(other)
    assert batch.source[0].tolist() == [*_codings(module)[0].encode("zz a a b q"), 2]
    assert batch.source[0, 0] == TranslationSpec.unknown_id


def test_before_setup_there_is_no_spec() -> None:
    module = TranslationDataModule(
        source=TINY,
        coding=CODINGS[0],
        tokenisation="whitespace",
        lower_case=False,
        max_words=None,
        batch_tokens=10,
        num_workers=0,
        seed=0,
    )
    with pytest.raises(RuntimeError, match="after setup"):
        _ = module.spec
    with pytest.raises(RuntimeError, match="after setup"):
        module.adopt(TranslationSpec("en", "de", "", "", 1, ""))


def test_a_batch_holds_a_token() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        _module(batch_tokens=0)


def test_check_reads_all_and_tells_how_far() -> None:
    steps: list[tuple[int, int]] = []
    assert _module().check(lambda done, total: steps.append((done, total))) == []
    assert steps == [(6, 6)]


def test_the_generated_language_needs_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("sacremoses", "tokenizers"):
        monkeypatch.setitem(sys.modules, package, None)
    assert _language().num_pairs("train") == 200
    with pytest.raises(DataError, match=r"needs the package tokenizers\npip install 'seqlab\[text"):
        _language(coding=CODINGS[1])
    language = ParallelLanguage(num_train=5, num_val=0, num_test=0, seed=0)
    language.source_language = "xx"  # for which no tokeniser was made yet
    with pytest.raises(DataError, match="needs the package sacremoses"):
        _module(language, tokenisation="moses")
