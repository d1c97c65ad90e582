"""The real Flickr8k, or what is here of it."""

import os
import shutil
from pathlib import Path

import pytest

from seqlab.data.captions import CaptionDataModule
from seqlab.data.errors import DataError
from seqlab.data.flickr8k import Flickr8k
from seqlab.data.vocabulary import tokenise

FOLDER = Path(os.environ.get("SEQLAB_DATA", "data")) / "flickr8k"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="flickr8k is not under SEQLAB_DATA"),
]


@pytest.fixture(scope="module")
def module() -> CaptionDataModule:
    made = CaptionDataModule(
        source=Flickr8k(folder=str(FOLDER), missing_images="skip"),
        image_size=224,
        augmentation=None,
        min_count=5,
        max_words=None,
        batching="length",
        batch_size=64,
        num_workers=0,
        seed=1,
    )
    made.setup()
    return made


def test_images_have_five_captions_and_can_be_read(module: CaptionDataModule) -> None:
    assert module.num_images("train") > 0
    assert module.check() == []
    batch = next(iter(module.val_dataloader()))
    assert batch.images.shape[1:] == (3, 224, 224)
    assert 0 <= batch.images.min() < 0.1 < 0.9 < batch.images.max() <= 1
    assert all(len(references) == 5 for references in batch.references)


def test_vocabulary_is_plain(module: CaptionDataModule) -> None:
    words = module.spec.words
    assert words[4] == "a"
    assert {"dog", "man", "'s", "t-shirt"} <= set(words)
    assert not {".", ",", "A", ""} & set(words)


def test_missing_photos_are_listed(module: CaptionDataModule) -> None:
    if all(module.num_images(split) for split in ("train", "val", "test")):
        pytest.skip("all photos are here")
    with pytest.raises(DataError, match=r"no such image, listed at .*Images\.txt:\d+"):
        Flickr8k(folder=str(FOLDER), missing_images="error").read()


@pytest.mark.skipif(shutil.which("java") is None, reason="the COCO tokeniser needs Java")
def test_words_are_those_of_the_coco_evaluation(module: CaptionDataModule) -> None:
    tokenizer = pytest.importorskip("pycocoevalcap.tokenizer.ptbtokenizer").PTBTokenizer()
    lines = (FOLDER / "Flickr8k.token.txt").read_text().splitlines()[::8]
    texts = {number: [{"caption": line.partition("\t")[2]}] for number, line in enumerate(lines)}
    expected = tokenizer.tokenize(texts)
    differ = [
        (texts[number][0]["caption"], words[0], " ".join(tokenise(texts[number][0]["caption"])))
        for number, words in expected.items()
        if words[0] != " ".join(tokenise(texts[number][0]["caption"]))
    ]
    assert len(differ) < 0.002 * len(texts), differ[:20]
