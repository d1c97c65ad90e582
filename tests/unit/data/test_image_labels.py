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
from seqlab.data.patch_cures import PatchCures
from seqlab.data.synthetic.photo_objects import PhotoObjects
from seqlab.data.synthetic.photo_patches import PhotoPatches
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


def test_patches_show_what_they_are_said_to() -> None:
    sizes = {"num_train": 3, "num_val": 1, "num_test": 2}
    settings: dict[str, Any] = {
        "per_photo": 2,
        "patch_size": 16,
        "cures": None,
        "side": 40,
        "aberration": 0.0,
        "seed": 3,
    }
    source = PhotoPatches(**sizes, **settings)
    splits = source.read()
    names = {split: images.image_ids for split, images in splits.items()}
    assert names["train"] == ("patch-3-00000-0", "patch-3-00000-1", "patch-3-00001-0")
    assert names["val"] == ("patch-3-00002-0",)  # no photo is in two splits
    assert names["test"] == ("patch-3-00003-0", "patch-3-00003-1")
    photo, patch = take_photo(3, 3, (40, 40)), splits["test"].images[1]
    corners = [
        (top, left)
        for top in range(25)
        for left in range(25)
        if torch.equal(photo.image[:, top : top + 16, left : left + 16], patch)
    ]
    assert len(corners) == 1  # noise makes each place unlike all others
    top, left = corners[0]
    seen = photo.labels[top : top + 16, left : left + 16]
    for number, name in enumerate(source.classes):
        share = (seen == number).float().mean().item()
        assert bool(splits["test"].labels[1, number]) == (share >= 0.1), name
    with pytest.raises(ValueError, match="to the side of a photo, 40"):
        PhotoPatches(**sizes, **(settings | {"patch_size": 41}))
    with pytest.raises(ValueError, match="at least 1"):
        PhotoPatches(**sizes, **(settings | {"per_photo": 0}))


def test_patches_are_cured_before_they_are_kept() -> None:
    plain = {"colour": "none", "downsampled_share": 0.0, "least_pixels": 100, "normalise": False}

    def patches(cures: PatchCures | None) -> torch.Tensor:
        sizes = {"num_train": 4, "num_val": 0, "num_test": 0, "per_photo": 2, "patch_size": 16}
        source = PhotoPatches(**sizes, cures=cures, side=40, aberration=0.0, seed=3)
        images = source.read()["train"].images
        return torch.stack([images[number] for number in range(4)]).double()  # [4, 3, 16, 16]

    taken = patches(None)
    assert torch.equal(patches(PatchCures(**plain)), taken)
    standard = patches(PatchCures(**(plain | {"normalise": True})))
    for before, after in zip(taken, standard, strict=True):
        z = (before - before.mean()) / before.std(correction=0)
        expected = (255 * (0.5 + 0.25 * z)).clamp(0, 255)
        assert (after - expected).abs().max() <= 0.51  # half a grey value by rounding
    bare = patches(PatchCures(**(plain | {"colour": "projection"})))
    along = (2 * bare[:, 1] - bare[:, 0] - bare[:, 2]).abs()  # of the axis green-magenta
    assert along.max() <= 2.0  # rounding of three colours
    assert (2 * taken[:, 1] - taken[:, 0] - taken[:, 2]).abs().max() > 2.0
