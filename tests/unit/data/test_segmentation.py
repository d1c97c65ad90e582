"""The data module of label maps: its batches say what the source said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from seqlab.data.batches import VOID, SegmentationBatch
from seqlab.data.errors import DataError
from seqlab.data.label_maps import SegmentationSource
from seqlab.data.paired_transforms import PairedAugmentation
from seqlab.data.segmentation import SegmentationDataModule
from seqlab.data.spec import SegmentationSpec
from seqlab.data.synthetic.scene_masks import SceneMasks
from seqlab.data.synthetic.scenes import SHAPES, draw_scenes, render
from seqlab.data.voc2012 import Voc2012
from tests.unit.data.segmentation_files import write_image, write_labels

CHANCE = PairedAugmentation(
    scale=(0.5, 2.0),
    crop=True,
    flip=True,
    brightness=0.2,
    contrast=0.2,
    saturation=0.2,
    hue=0.05,
)
SIZES = {"a": (6, 8), "b": (8, 6), "c": (6, 8), "d": (6, 8), "e": (8, 6), "f": (6, 8), "g": (6, 8)}


def _module(source: SegmentationSource, **changed: Any) -> SegmentationDataModule:
    settings: dict[str, Any] = {
        "image_size": None,
        "crop_size": None,
        "augmentation": None,
        "in_memory": False,
        "batch_size": 3,
        "num_workers": 0,
        "seed": 1,
    }
    return SegmentationDataModule(source=source, **(settings | changed))


def _scenes(**changed: Any) -> SegmentationDataModule:
    source = SceneMasks(num_train=8, num_val=4, num_test=2, side=48, seed=5)
    module = _module(source, **changed)
    module.setup()
    return module


def _epoch(module: SegmentationDataModule, epoch: int = 0) -> list[SegmentationBatch]:
    loader = module.train_dataloader()
    loader.set_epoch(epoch)
    return list(loader)


def _equal(first: list[SegmentationBatch], second: list[SegmentationBatch]) -> bool:
    return all(
        one.image_ids == other.image_ids
        and torch.equal(one.images, other.images)
        and torch.equal(one.labels, other.labels)
        for one, other in zip(first, second, strict=True)
    )


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Photographs of two sizes: a and b to train, the others to validate."""
    for number, (name, size) in enumerate(SIZES.items()):
        write_image(tmp_path / "JPEGImages" / f"{name}.jpg", size, number)
        labels = np.full(size, number)
        labels[0] = VOID
        write_labels(tmp_path / "SegmentationClass" / f"{name}.png", labels, palette=True)
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nb\n")
    (lists / "val.txt").write_text("\n".join("cdefg"))
    return tmp_path


def _photos(folder: Path, **changed: Any) -> SegmentationDataModule:
    return _module(Voc2012(folder=str(folder), sbd=None), **({"crop_size": (5, 5)} | changed))


def test_a_batch_says_what_the_scenes_show() -> None:
    module = _scenes()
    scenes = {f"scene-5-{scene.number:05d}": scene for scene in draw_scenes(5, 14)}
    splits = [_epoch(module), list(module.val_dataloader()), list(module.test_dataloader())]
    names = [[name for batch in split for name in batch.image_ids] for split in splits]
    assert [len(split) for split in names] == [8, 4, 2]
    assert sorted(name for split in names for name in split) == sorted(scenes)
    for batch in (batch for split in splits for batch in split):
        assert batch.images.dtype == torch.float32
        assert batch.labels.dtype == torch.int64
        for name, image, labels in zip(*batch, strict=True):
            pixels, objects = render(scenes[name], 48)
            np.testing.assert_allclose(image, pixels / np.float32(255), rtol=1e-6)
            assert torch.equal(module.image(name), image)
            for number, thing in enumerate(scenes[name].objects, start=1):
                assert (labels[objects == number] == 1 + SHAPES.index(thing.shape)).all()
            assert (labels[objects == 0] == 0).all()


def test_order_and_chance_are_functions_of_seed_and_epoch() -> None:
    settings = {"augmentation": CHANCE, "crop_size": (40, 56)}
    module = _scenes(**settings)
    first = _epoch(module, 3)
    assert _equal(first, _epoch(module, 3))
    assert _equal(first, _epoch(_scenes(**settings), 3))
    assert not _equal(first, _epoch(module, 4))
    assert not _equal(first, _epoch(_scenes(**settings, seed=2), 3))
    assert first[0].images.shape == (3, 3, 40, 56)
    assert first[0].labels.shape == (3, 40, 56)


def test_workers_change_nothing() -> None:
    settings = {"augmentation": CHANCE, "crop_size": (40, 56)}
    expected = _epoch(_scenes(**settings), 1)
    assert _equal(expected, _epoch(_scenes(**settings, num_workers=2), 1))


def test_chance_of_an_image_does_not_depend_on_its_place() -> None:
    alone = _epoch(_scenes(augmentation=CHANCE, crop_size=(20, 20), batch_size=1))
    together = _epoch(_scenes(augmentation=CHANCE, crop_size=(20, 20), batch_size=8))[0]
    by_name = {batch.image_ids[0]: batch.images[0] for batch in alone}
    for name, image in zip(together.image_ids, together.images, strict=True):
        assert torch.equal(by_name[name], image)


def test_evaluation_has_sizes_together_and_labels_as_annotated(photos: Path) -> None:
    module = _photos(photos, image_size=(3, 4), batch_size=3)
    module.setup()
    batches = list(module.val_dataloader())
    assert [batch.image_ids for batch in batches] == [("c", "d", "f"), ("g",), ("e",)]
    assert [batch.images.shape[2:] for batch in batches] == [(3, 4), (3, 4), (3, 2)]
    assert [batch.labels.shape[1:] for batch in batches] == [(6, 8), (6, 8), (8, 6)]
    for batch in batches:
        for name, labels in zip(batch.image_ids, batch.labels, strict=True):
            assert labels[0].unique().tolist() == [VOID]
            assert labels[1:].unique().tolist() == ["abcdefg".index(name)]
    path = photos / "JPEGImages" / "e.jpg"
    assert torch.equal(module.open_image(path), batches[2].images[0])
    assert torch.equal(module.image("e"), batches[2].images[0])
    with pytest.raises(KeyError, match="nobody"):
        module.image("nobody")


def test_a_split_without_images_is_none(photos: Path, caplog: pytest.LogCaptureFixture) -> None:
    module = _photos(photos)
    module.setup()
    assert module.test_dataloader() == []
    assert "the test split has no image here" in caplog.text


@pytest.mark.parametrize("in_memory", [False, True])
def test_what_is_in_memory_is_what_was_read(photos: Path, in_memory: bool) -> None:
    settings = {"augmentation": CHANCE, "crop_size": (5, 7)}
    plain = _photos(photos, **settings)
    module = _photos(photos, in_memory=in_memory, **settings)
    plain.setup()
    module.setup()
    assert module.spec == plain.spec
    assert _equal(_epoch(module, 2), _epoch(plain, 2))
    assert _equal(list(module.val_dataloader()), list(plain.val_dataloader()))
    expected = list(plain.val_dataloader())
    for path in (photos / "JPEGImages").iterdir():
        Image.new("RGB", Image.open(path).size).save(path)
    assert _equal(list(module.val_dataloader()), expected) == in_memory


def test_the_spec_is_of_the_training_split(photos: Path) -> None:
    module = _photos(photos)
    with pytest.raises(RuntimeError, match="after setup"):
        _ = module.spec
    with pytest.raises(RuntimeError, match="after setup"):
        module.adopt(SegmentationSpec((), (), (), ""))
    module.setup()
    assert module.spec.classes[15] == "person"
    assert len(module.spec.palette) == len(module.spec.class_weights) == 21
    # only a and b are trained on, each all of one class: frequencies 1 and 1
    assert module.spec.class_weights == (1,) * 21
    other = _photos(photos)
    (photos / "ImageSets" / "Segmentation" / "val.txt").write_text("c\nd\n")
    other.setup()
    assert other.spec.split_hash != module.spec.split_hash
    module.adopt(other.spec)
    assert module.spec == other.spec


def test_training_pictures_of_several_sizes_want_one(photos: Path) -> None:
    with pytest.raises(DataError) as caught:
        _photos(photos, crop_size=None).setup()
    assert caught.value.problems == ["a: 6 x 8 pixels", "b: 8 x 6 pixels"]
    assert "data.crop_size=[HEIGHT,WIDTH]" in caught.value.hint
    module = _photos(photos, crop_size=None, image_size=(4, 4))
    module.setup()
    assert _epoch(module)[0].images.shape == (2, 3, 4, 4)


@pytest.mark.parametrize("in_memory", [False, True])
def test_set_up_tells_all_that_is_wrong(photos: Path, in_memory: bool) -> None:
    for name in "ab":
        write_labels(photos / "SegmentationClass" / f"{name}.png", np.full(SIZES[name], 21))
    module = _photos(photos, in_memory=in_memory)
    with pytest.raises(DataError) as caught:
        module.setup()
    assert len(caught.value.problems) == 2
    assert all("labelled 21; known are 0 to 20, 255" in p for p in caught.value.problems)
    for name in "cd":
        write_labels(photos / "SegmentationClass" / f"{name}.png", np.zeros((2, 2)))
    with pytest.raises(DataError) as caught:
        _photos(photos).setup()
    assert [problem.split(":")[0][-5:] for problem in caught.value.problems] == ["c.png", "d.png"]


def test_nothing_to_train_on_is_told(photos: Path) -> None:
    (photos / "ImageSets" / "Segmentation" / "train.txt").write_text("")
    with pytest.raises(DataError, match="no image of the training split"):
        _photos(photos).setup()


def test_check_reads_every_file(photos: Path) -> None:
    module = _photos(photos)
    assert module.check() == []
    write_labels(photos / "SegmentationClass" / "g.png", np.full((6, 8), 99))
    (photos / "JPEGImages" / "e.jpg").write_bytes(b"no picture")
    steps: list[tuple[int, int]] = []
    problems = module.check(lambda done, total: steps.append((done, total)))
    assert len(problems) == 2
    assert "e.jpg: cannot be read" in problems[0]
    assert "g.png: has pixels labelled 99" in problems[1]
    assert steps[-1] == (7, 7)
