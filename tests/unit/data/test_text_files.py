"""Data sets of text files: Multi30k in its layout, and any two files."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from seqlab.data.errors import DataError
from seqlab.data.multi30k import Multi30k
from seqlab.data.parallel_text import SentencePair
from seqlab.data.text_pair import TextPair

SPLITS = {"train": 3, "val": 2, "test_2016_flickr": 2}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for version in ("raw", "tok"):
        (tmp_path / "data/task1" / version).mkdir(parents=True)
    for split, count in SPLITS.items():
        for language in ("en", "de", "fr"):
            lines = [f"{split} {n} in {language}" for n in range(count)]
            text = "".join(f"{line} &apos;s &amp;quot; .\n" for line in lines)
            task1 = tmp_path / "data/task1"
            (task1 / "tok" / f"{split}.lc.norm.tok.{language}").write_text(text)
            packed = gzip.compress("\n".join(lines).encode())
            (task1 / "raw" / f"{split}.{language}.gz").write_bytes(packed)
    return tmp_path


def _multi30k(folder: Path, **changed: Any) -> dict[str, tuple[SentencePair, ...]]:
    settings: dict[str, Any] = {
        "version": "raw",
        "source_language": "en",
        "target_language": "de",
        "malformed": "error",
    }
    return Multi30k(folder=str(folder), **(settings | changed)).read()


def test_multi30k_has_its_splits(folder: Path) -> None:
    read = _multi30k(folder, source_language="fr", target_language="en")
    assert {split: len(pairs) for split, pairs in read.items()} == {"train": 3, "val": 2, "test": 2}
    pair = SentencePair("test:2", "test_2016_flickr 1 in fr", "test_2016_flickr 1 in en")
    assert read["test"][1] == pair


def test_tokenised_multi30k_has_no_escapes(folder: Path) -> None:
    pair = _multi30k(folder, version="tok")["val"][0]
    assert pair == SentencePair("val:1", "val 0 in en 's &quot; .", "val 0 in de 's &quot; .")


def test_a_split_of_multi30k_may_be_absent_but_training(folder: Path) -> None:
    raw = folder / "data/task1/raw"
    for language in ("en", "de"):
        (raw / f"test_2016_flickr.{language}.gz").unlink()
    assert _multi30k(folder)["test"] == ()
    (raw / "val.de.gz").unlink()
    with pytest.raises(DataError, match=r"val\.de\.gz: No such file"):
        _multi30k(folder)
    for language in ("en", "de"):
        (raw / f"train.{language}.gz").unlink()
    with pytest.raises(DataError) as caught:
        _multi30k(folder)
    assert f"{raw}: no train.en.gz and its translation to train on" in str(caught.value)


def test_multi30k_is_between_two_languages(folder: Path) -> None:
    with pytest.raises(ValueError, match="both en"):
        _multi30k(folder, target_language="en")


def _pair(folder: Path, **changed: Any) -> TextPair:
    files = {
        f"{split}_{side}": str(folder / f"{split}.{side}")
        for split in ("train", "val")
        for side in ("source", "target")
    }
    settings: dict[str, Any] = {
        **files,
        "test_source": None,
        "test_target": None,
        "source_language": "en",
        "target_language": "fi",
        "malformed": "error",
    }
    return TextPair(**(settings | changed))


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    for split in ("train", "val"):
        for side in ("source", "target"):
            (tmp_path / f"{split}.{side}").write_text(f"{split} {side}\n")
    return tmp_path


def test_any_two_files(texts: Path) -> None:
    read = _pair(texts).read()
    assert read["train"] == (SentencePair("train:1", "train source", "train target"),)
    assert read["val"][0].example_id == "val:1"
    assert read["test"] == ()
    packed = texts / "val.source.gz"
    packed.write_bytes(gzip.compress(b"packed\n"))
    assert _pair(texts, val_source=str(packed)).read()["val"][0].source == "packed"
    assert _pair(texts, val_source=None, val_target=None).read()["val"] == ()


def test_half_a_split_is_refused(texts: Path) -> None:
    with pytest.raises(ValueError, match="test_source is given and test_target is not"):
        _pair(texts, test_source="a")
    with pytest.raises(ValueError, match="val_target is given and val_source is not"):
        _pair(texts, val_source=None)


def test_a_missing_or_empty_file_is_named(texts: Path) -> None:
    with pytest.raises(DataError, match="nowhere: No such file"):
        _pair(texts, train_source=str(texts / "nowhere")).read()
    for side in ("source", "target"):
        (texts / f"train.{side}").write_text("")
    with pytest.raises(DataError, match=r"train\.source: there is no sentence to train on"):
        _pair(texts).read()
