"""The real Multi30k."""

import itertools
import os
from pathlib import Path

import pytest

from seqlab.data.codings import BytePairCodings, WordCodings
from seqlab.data.multi30k import Language, Multi30k
from seqlab.data.text_coding import TextCoding, Tokeniser
from seqlab.data.translation import TranslationDataModule

FOLDER = Path(os.environ.get("SEQLAB_DATA", "data")) / "multi30k"
LANGUAGES: tuple[Language, ...] = ("en", "de", "fr")

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="multi30k is not under SEQLAB_DATA"),
]


@pytest.mark.parametrize(("source", "target"), list(itertools.permutations(LANGUAGES, 2)))
def test_sizes_are_the_published_ones(source: Language, target: Language) -> None:
    read = Multi30k(
        folder=str(FOLDER),
        version="raw",
        source_language=source,
        target_language=target,
        malformed="error",
    ).read()
    sizes = {split: len(pairs) for split, pairs in read.items()}
    assert sizes == {"train": 29_000, "val": 1014, "test": 1000}


@pytest.mark.parametrize(("source", "target"), [("en", "de"), ("fr", "en")])
def test_our_words_of_raw_lines_are_those_of_the_tokenised_files(
    source: Language, target: Language
) -> None:
    """The files were made by the Moses scripts themselves."""
    read = {
        version: Multi30k(
            folder=str(FOLDER),
            version=version,
            source_language=source,
            target_language=target,
            malformed="error",
        ).read()["test"]
        for version in ("raw", "tok")
    }
    for side, language in (("source", source), ("target", target)):
        raw, tok = ([getattr(pair, side) for pair in read[v]] for v in ("raw", "tok"))
        moses = Tokeniser("moses", language, lower_case=True)
        spaced = Tokeniser("moses_spaced", language, lower_case=True)
        same = [moses.split(line) == other.split() for line, other in zip(raw, tok, strict=True)]
        assert sum(same) >= 0.99 * len(same)
        assert sum(spaced.split(line) == line.split() for line in tok) >= 0.999 * len(tok)
        back = [
            moses.join(line.split()) == other.lower() for line, other in zip(tok, raw, strict=True)
        ]
        assert sum(back) >= 0.97 * len(back)


@pytest.mark.parametrize(
    "coding",
    [WordCodings(min_count=2), BytePairCodings(num_pieces=8000, min_count=2, joint=True)],
)
def test_a_module_of_it(coding: WordCodings | BytePairCodings) -> None:
    source = Multi30k(
        folder=str(FOLDER),
        version="tok",
        source_language="en",
        target_language="de",
        malformed="error",
    )
    module = TranslationDataModule(
        source=source,
        coding=coding,
        tokenisation="moses_spaced",
        lower_case=True,
        max_words=50,
        batch_tokens=1200,
        num_workers=0,
        seed=1,
    )
    module.setup()
    texts = [TextCoding.from_json(t) for t in (module.spec.source_text, module.spec.target_text)]
    assert [5000 < len(text) <= 8000 for text in texts] == [True, True]
    test = module.split("test")
    exact = [texts[1].decode(texts[1].encode(pair.target)) == pair.target for pair in test]
    # Byte pairs can write all that has no new character; words lack the rare ones.
    assert sum(exact) > (990 if isinstance(coding, BytePairCodings) else 500)
    loader = module.train_dataloader()
    assert 300 < len(loader) < 500
