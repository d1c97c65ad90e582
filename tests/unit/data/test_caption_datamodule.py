"""The data module: its batches say what the source said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from seqlab.components.backbones.interface import Backbone
from seqlab.data.batches import CaptionBatch
from seqlab.data.captions import CaptionDataModule
from seqlab.data.errors import DataError
from seqlab.data.flickr8k import Flickr8k
from seqlab.data.sources import CaptionSource
from seqlab.data.spec import CaptionSpec
from seqlab.data.synthetic.captioned_scenes import CaptionedScenes
from seqlab.data.synthetic.scenes import draw_scenes, render
from seqlab.data.vocabulary import Vocabulary, tokenise


def _module(source: CaptionSource, **changed: Any) -> CaptionDataModule:
    settings: dict[str, Any] = {
        "image_size": 64,
        "augmentation": None,
        "min_count": 1,
        "max_words": None,
        "batching": "image",
        "batch_size": 40,
        "num_workers": 0,
        "seed": 1,
    }
    module = CaptionDataModule(source=source, **(settings | changed))
    module.setup()
    return module


def _scenes(**changed: Any) -> CaptionDataModule:
    return _module(CaptionedScenes(num_train=60, num_val=20, num_test=10, seed=5), **changed)


def _epoch(module: CaptionDataModule, epoch: int = 0) -> list[CaptionBatch]:
    loader = module.train_dataloader()
    loader.set_epoch(epoch)
    return list(loader)


@pytest.fixture
def flickr8k(tmp_path: Path) -> Path:
    (tmp_path / "Images").mkdir()
    names = [f"{n}.png" for n in range(8)]
    captions = []
    for n, name in enumerate(names):
        noise = np.random.default_rng(n).integers(0, 255, (40, 50, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / "Images" / name)
        captions += [f"{name}#{k}\t{'A dog runs . ' * (k + 1)}word{n}\n" for k in range(n % 3 + 1)]
    (tmp_path / "Flickr8k.token.txt").write_text("".join(captions))
    for split, part in {"train": names[:5], "dev": names[5:], "test": []}.items():
        (tmp_path / f"Flickr_8k.{split}Images.txt").write_text("\n".join(part))
    return tmp_path


def _photos(folder: Path, **changed: Any) -> CaptionDataModule:
    return _module(Flickr8k(folder=str(folder), missing_images="error"), image_size=32, **changed)


def test_a_batch_says_what_the_scenes_say() -> None:
    module = _scenes()
    scenes = {f"scene-5-{s.number:05d}": s for s in draw_scenes(5, 90)}
    vocabulary = Vocabulary(module.spec.words)
    for batch in (*_epoch(module), *module.val_dataloader()):
        assert batch.images is not None
        assert batch.objects is not None
        assert batch.masks is not None
        assert batch.features is None
        for row, image in enumerate(batch.image_index.tolist()):
            scene = scenes[batch.image_ids[image]]
            pixels, labels = render(scene)
            np.testing.assert_allclose(batch.images[image] * 255, pixels, atol=1e-3)
            text = vocabulary.decode(batch.tokens[row].tolist())
            assert text in batch.references[image]
            length = len(text.split()) + 1
            assert batch.lengths[row] == length
            assert batch.tokens[row, 0] == CaptionSpec.start_id
            assert batch.tokens[row, length] == CaptionSpec.end_id
            assert (batch.tokens[row, length + 1 :] == CaptionSpec.pad_id).all()
            for word, named in zip(text.split(), batch.objects[row, 1:].tolist(), strict=False):
                if named >= 0:
                    thing = scene.objects[named]
                    assert word in (thing.shape, thing.colour)
                    np.testing.assert_array_equal(batch.masks[image, named], labels == named + 1)
            assert batch.objects[row, 0] == -1
            assert (batch.objects[row, length:] == -1).all()


def test_an_image_stands_once_with_all_its_captions() -> None:
    batches = _epoch(_scenes())
    assert len(batches) == 8  # 60 images, 8 to a batch of 40 captions
    for batch in batches:
        assert len(set(batch.image_ids)) == len(batch.image_ids)
        assert batch.image_index.bincount().tolist() == [5] * len(batch.image_ids)
    assert len({image for batch in batches for image in batch.image_ids}) == 60


def test_length_batches_hold_each_caption_once() -> None:
    batches = _epoch(_scenes(batching="length"))
    assert sum(len(batch.tokens) for batch in batches) == 300
    texts = {
        (batch.image_ids[image], tuple(row[row > 0].tolist()))
        for batch in batches
        for image, row in zip(batch.image_index.tolist(), batch.tokens, strict=True)
    }
    assert len(texts) == 300
    assert all(len(batch.images) == len(set(batch.image_ids)) for batch in batches)
    spread = [int(batch.lengths.max() - batch.lengths.min()) for batch in batches]
    assert max(spread) <= 2


def test_splits_are_disjoint_and_have_a_hash() -> None:
    splits = CaptionedScenes(num_train=60, num_val=20, num_test=10, seed=5).read()
    descriptions = [scene.description for split in splits.values() for scene in split.images.scenes]
    assert len(set(descriptions)) == 90
    spec = _scenes().spec
    assert _scenes(seed=2).spec.split_hash == spec.split_hash
    other = CaptionedScenes(num_train=60, num_val=20, num_test=10, seed=6)
    assert _module(other).spec.split_hash != spec.split_hash
    assert CaptionSpec.from_json(spec.to_json()) == spec
    assert spec.max_length == 14


def test_too_many_scenes_are_refused() -> None:
    with pytest.raises(DataError, match="19040 different scenes, 30000 were asked for"):
        _module(CaptionedScenes(num_train=30000, num_val=0, num_test=0, seed=0))


def test_scenes_are_not_augmented() -> None:
    with pytest.raises(DataError, match="would make these captions untrue"):
        _scenes(augmentation="flip")


def test_vocabulary_is_of_the_training_split_alone(flickr8k: Path) -> None:
    module = _photos(flickr8k)
    # By count, then spelling: word2 stands in three captions, word1 and word4 in two.
    words = ("a", "dog", "runs", "word2", "word1", "word4", "word0", "word3")
    assert module.spec.words[4:] == words
    assert _photos(flickr8k, min_count=2).spec.words[4:] == words[:6]
    (batch,) = module.val_dataloader()
    assert (batch.tokens == CaptionSpec.unknown_id).any(dim=1).all()
    assert batch.references[0][0] == "A dog runs . word5"
    assert batch.objects is None
    assert batch.masks is None


def test_long_captions_are_not_trained_on_but_scored(flickr8k: Path) -> None:
    module = _photos(flickr8k, max_words=7)
    assert module.spec.max_length == 8
    assert max(int(batch.lengths.max()) for batch in _epoch(module)) == 8
    trained = sum(len(batch.tokens) for batch in _epoch(module))
    assert trained == 8  # of 9, one has 10 words
    assert any(
        len(tokenise(r)) == 10 for b in _epoch(module) for refs in b.references for r in refs
    )
    assert max(int(batch.lengths.max()) for batch in module.val_dataloader()) == 11


def test_an_empty_test_split_is_no_error(flickr8k: Path, caplog: pytest.LogCaptureFixture) -> None:
    module = _photos(flickr8k)
    assert module.num_images("test") == 0
    assert module.test_dataloader() == []
    assert "the test split has no image here" in caplog.text
    assert len(list(module.val_dataloader())) == 1


def test_nothing_to_train_on_is_an_error(flickr8k: Path) -> None:
    (flickr8k / "Flickr_8k.trainImages.txt").write_text("")
    with pytest.raises(DataError, match="no caption of the training split is left"):
        _photos(flickr8k)


@pytest.mark.parametrize("workers", [0, 2])
def test_augmentation_hangs_on_seed_epoch_and_image_alone(flickr8k: Path, workers: int) -> None:
    def seen(module: CaptionDataModule, epoch: int) -> dict[str, Tensor]:
        batches = _epoch(module, epoch)
        return {
            name: image
            for batch in batches
            for name, image in zip(batch.image_ids, batch.images, strict=True)
        }

    settings: dict[str, Any] = {"augmentation": "crop_flip", "batch_size": 3}
    first = seen(_photos(flickr8k, **settings), 1)
    again = seen(_photos(flickr8k, **settings, num_workers=workers, batching="length"), 1)
    assert all(torch.equal(first[name], again[name]) for name in first)
    later = seen(_photos(flickr8k, **settings), 2)
    assert not any(torch.equal(first[name], later[name]) for name in first)
    other = seen(_photos(flickr8k, **(settings | {"seed": 2})), 1)
    assert not any(torch.equal(first[name], other[name]) for name in first)
    # Evaluation sees the picture as it is.
    module = _photos(flickr8k, **settings)
    (batch,) = _photos(flickr8k, augmentation="crop_flip").val_dataloader()
    assert torch.equal(batch.images[0], module.image("5.png"))
    assert torch.equal(batch.images[0], module.open_image(flickr8k / "Images" / "5.png"))


class _Pool(Backbone):
    channels, stride = 3, 8
    mean = std = (0.5, 0.5, 0.5)

    def __init__(self, frozen: bool = True) -> None:
        super().__init__()
        self.frozen = frozen
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images: Tensor) -> Tensor:
        return self.scale * nn.functional.avg_pool2d(images, 8)

    def fingerprint(self) -> str:
        return "pool"


def test_kept_features_replace_images(tmp_path: Path) -> None:
    plain, module, steps = _scenes(), _scenes(), []
    kept = module.keep_features(
        _Pool(), tmp_path, on_progress=lambda done, total: steps.append((done, total))
    )
    assert kept
    assert steps[-1] == (90, 90)
    assert sorted(steps) == steps
    loaders = ((plain.val_dataloader(), module.val_dataloader()), (_epoch(plain), _epoch(module)))
    for expected, given in loaders:
        for one, other in zip(expected, given, strict=True):
            assert other.images is None
            assert one.image_ids == other.image_ids
            assert torch.equal(one.masks, other.masks)
            torch.testing.assert_close(
                other.features.float(), _Pool()(one.images), atol=1e-3, rtol=1e-3
            )
    assert len(list((tmp_path / "features").glob("*.npy"))) == 3
    # A vocabulary adopted later keeps them.
    module.adopt(module.spec)
    assert next(iter(module.val_dataloader())).images is None


def test_features_that_change_are_not_kept(flickr8k: Path, tmp_path: Path) -> None:
    assert not _photos(flickr8k).keep_features(_Pool(frozen=False), tmp_path)
    module = _photos(flickr8k, augmentation="crop")
    assert not module.keep_features(_Pool(), tmp_path)
    assert next(iter(module.train_dataloader())).features is None


def test_a_changed_file_changes_the_key(flickr8k: Path, tmp_path: Path) -> None:
    def count() -> int:
        _photos(flickr8k).keep_features(_Pool(), tmp_path / "cache")
        return len(list((tmp_path / "cache" / "features").glob("*.npy")))

    assert count() == 2  # train and val; test is empty
    assert count() == 2
    Image.new("RGB", (40, 40)).save(flickr8k / "Images" / "0.png")
    assert count() == 3


def test_a_vocabulary_can_be_adopted(flickr8k: Path) -> None:
    module = _photos(flickr8k)
    words = (*module.spec.words[:4], "word5", "runs")
    spec = CaptionSpec(words, 32, 32, 11, "elsewhere")
    module.adopt(spec)
    assert module.spec == spec
    (batch,) = module.val_dataloader()
    assert batch.tokens[0].tolist()[:6] == [1, 3, 3, 5, 4, 2]


def test_before_setup_there_is_no_spec() -> None:
    module = CaptionDataModule(
        source=CaptionedScenes(num_train=1, num_val=1, num_test=1, seed=0),
        image_size=64,
        augmentation=None,
        min_count=1,
        max_words=None,
        batching="image",
        batch_size=5,
        num_workers=0,
        seed=0,
    )
    with pytest.raises(RuntimeError, match="after setup"):
        _ = module.spec
    with pytest.raises(RuntimeError, match="after setup"):
        module.adopt(CaptionSpec((), 1, 1, 1, ""))


def test_check_reads_every_file(flickr8k: Path) -> None:
    module = _photos(flickr8k)
    assert module.check() == []
    whole = (flickr8k / "Images" / "6.png").read_bytes()
    (flickr8k / "Images" / "6.png").write_bytes(whole[:-200])
    problems = module.check()
    assert len(problems) == 1
    assert "6.png: cannot be read" in problems[0]
