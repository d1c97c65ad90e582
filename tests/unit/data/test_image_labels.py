"""Images with classes: folders, VOC's lists, generated photos, and their batches."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from seqlab.data.errors import DataError
from seqlab.data.image_labels import ImageDataModule
from seqlab.data.label_sources import LabelSource
from seqlab.data.labelled_folders import LabelledFolders
from seqlab.data.synthetic.photo_objects import PhotoObjects
from seqlab.data.synthetic.photo_world import KINDS
from seqlab.data.synthetic.photos import take_photo
from seqlab.data.voc2007 import Voc2007


def write(path: Path, grey: int = 100, size: tuple[int, int] = (20, 12)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (grey, grey, grey)).save(path)


def module(source: LabelSource, **changed: Any) -> ImageDataModule:
    settings: dict[str, Any] = {
        "image_size": 8,
        "augmentation": None,
        "batch_size": 3,
        "num_workers": 0,
        "seed": 1,
    }
    return ImageDataModule(source=source, **(settings | changed))


def folders(folder: Path) -> LabelledFolders:
    return LabelledFolders(folder=str(folder), shares=[0.6, 0.2, 0.2], split_seed=1)


def test_folders_are_shared_out(tmp_path: Path) -> None:
    for name, count, grey in (("dark", 10, 10), ("bright", 5, 250)):
        for number in range(count):
            write(tmp_path / name / f"{number}.png", grey)
    data = module(folders(tmp_path))
    data.setup()
    assert data.spec.classes == ("bright", "dark")
    assert not data.spec.is_multi_label
    assert [data.num_images(split) for split in ("train", "val", "test")] == [9, 3, 3]
    for batch in (*data.train_dataloader(), *data.test_dataloader()):
        assert batch.images.shape[1:] == (3, 8, 8)
        for name, image, labels in zip(batch.image_ids, batch.images, batch.labels, strict=True):
            dark = name.startswith("dark/")
            assert labels.tolist() == [int(not dark), int(dark)]
            assert image.mean().item() == pytest.approx((10 if dark else 250) / 255)
            assert torch.equal(data.image(name), image)
    (tmp_path / "dark" / "3.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"dark/3.png: cannot be read"):
        folders(tmp_path).read()


def test_one_folder_is_no_class(tmp_path: Path) -> None:
    write(tmp_path / "dark" / "1.png")
    (tmp_path / "notes").mkdir()
    with pytest.raises(DataError, match=r"1 folders with pictures.*\n.*\.jpg"):
        folders(tmp_path).read()


def test_augmentation_comes_from_seed_epoch_and_number() -> None:
    source = PhotoObjects(num_train=6, num_val=0, num_test=0, side=32, aberration=0.0, seed=3)
    data = module(source, augmentation="flip", image_size=32)
    data.setup()

    def first_epochs() -> list[torch.Tensor]:
        loader = data.train_dataloader()
        epochs = []
        for epoch in range(2):
            loader.set_epoch(epoch)
            rows = [
                (name, image)
                for batch in loader
                for name, image in zip(batch.image_ids, batch.images, strict=True)
            ]
            epochs.append(torch.stack([image for _, image in sorted(rows, key=lambda r: r[0])]))
        return epochs

    first, second = first_epochs()
    again, _ = first_epochs()
    assert torch.equal(first, again)
    flipped = [bool(torch.equal(a, b.flip(2))) for a, b in zip(first, second, strict=True)]
    same = [bool(torch.equal(a, b)) for a, b in zip(first, second, strict=True)]
    assert any(flipped)
    assert all(a or b for a, b in zip(flipped, same, strict=True))
    assert data.val_dataloader() == []


def test_photos_show_what_they_are_said_to() -> None:
    source = PhotoObjects(num_train=2, num_val=1, num_test=1, side=32, aberration=0.0, seed=3)
    splits = source.read()
    photo = take_photo(3, 3, (32, 32))
    test = splits["test"]
    assert test.image_ids == ("photo-3-00003",)
    assert torch.equal(test.images[0], photo.image)
    assert test.labels[0].tolist() == photo.shows.int().tolist()
    assert source.classes == KINDS
    with pytest.raises(ValueError, match="32 to 512"):
        PhotoObjects(num_train=2, num_val=1, num_test=1, side=8, aberration=0.0, seed=3)


SPLITS = {"train": ("000001", "000004"), "val": ("000002",), "test": ("000003",)}


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    """Photographs that all show a person, 000004 one that is hard to see, and no other class."""
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    for split, names in SPLITS.items():
        (lists / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))
        for label in Voc2007(folder=str(tmp_path)).classes:
            marks = {n: " 0" if n == "000004" else " 1" for n in names}
            lines = [f"{n} {marks[n] if label == 'person' else '-1'}\n" for n in names]
            (lists / f"{label}_{split}.txt").write_text("".join(lines))
        for name in names:
            write(tmp_path / "JPEGImages" / f"{name}.jpg")
    return tmp_path


def test_voc_lists(voc: Path) -> None:
    source = Voc2007(folder=str(voc))
    splits = source.read()
    person = source.classes.index("person")
    assert len(source.classes) == 20
    assert splits["train"].image_ids == ("000001", "000004")
    assert splits["train"].labels[:, person].tolist() == [1, -1]
    assert np.delete(splits["train"].labels, person, axis=1).tolist() == [[0] * 19] * 2
    assert splits["test"].labels[0, person] == 1


def test_all_that_is_wrong_with_voc(voc: Path) -> None:
    lists = voc / "ImageSets" / "Main"
    (lists / "cat_train.txt").write_text("000001 -1\n000009  1\n000004 2\n")
    (lists / "dog_train.txt").write_text("000001 -1\n")
    (lists / "cow_val.txt").unlink()
    (voc / "JPEGImages" / "000003.jpg").unlink()
    with pytest.raises(DataError) as caught:
        Voc2007(folder=str(voc)).read()
    text = str(caught.value)
    assert "cat_train.txt:2: names 000009, which the split does not list" in text
    assert "cat_train.txt:3: is no name and 1, 0 or -1" in text
    assert f"dog_train.txt: says nothing of 000004, listed at {lists}/train.txt:2" in text
    assert "cow_val.txt: No such file" in text
    assert "000003.jpg: cannot be read" in text
