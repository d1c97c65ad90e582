"""Images with objects in batches, and COCO's annotations read and refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("pycocotools")

from seqlab.data.coco_instances import CocoInstances
from seqlab.data.errors import DataError
from seqlab.data.instances import InstanceDataModule
from seqlab.data.paired_transforms import PairedAugmentation
from seqlab.data.synthetic.overlapping_shapes import OverlappingShapes


def square(left: int, top: int, side: int) -> list[int]:
    right, bottom = left + side, top + side
    return [left, top, right, top, right, bottom, left, bottom]


def write(folder: Path, **changes: Any) -> CocoInstances:
    """Three images of 20 x 30 pixels: two objects on the first, a crowd on the second."""
    folder.mkdir(exist_ok=True)
    rows = [{"id": n, "file_name": f"{n}.png", "height": 20, "width": 30} for n in (7, 8, 9)]
    for row in rows:
        Image.fromarray(np.full((20, 30, 3), row["id"], np.uint8)).save(folder / row["file_name"])
    runs = {"size": [20, 30], "counts": [200, 100, 300]}  # columns 10 to 14
    things: list[dict[str, Any]] = [
        {"id": 1, "image_id": 7, "category_id": 4, "segmentation": [square(2, 3, 6)]},
        {"id": 2, "image_id": 7, "category_id": 2, "segmentation": [square(15, 5, 4)]},
        {"id": 3, "image_id": 8, "category_id": 2, "segmentation": runs, "iscrowd": 1},
    ]
    things[0] |= {"bbox": [2, 3, 6, 6], **changes}
    categories = [{"id": 2, "name": "cup"}, {"id": 4, "name": "dog"}]
    content = {"images": rows, "annotations": things, "categories": categories}
    (folder / "all.json").write_text(json.dumps(content))
    return CocoInstances(
        folder=folder,
        train_annotations="all.json",
        train_images="",
        test_annotations="all.json",
        test_images="",
        num_val=1,
    )


def test_polygons_and_run_lengths(tmp_path: Path) -> None:
    source = write(tmp_path)
    splits = source.read()
    assert source.classes == ("cup", "dog")
    assert [len(splits[name]) for name in ("train", "val", "test")] == [2, 1, 3]
    first, second, third = (splits["test"][n] for n in range(3))
    assert first.labels.tolist() == [1, 0]
    assert first.boxes.tolist() == [[2, 3, 8, 9], [15, 5, 19, 9]]
    assert first.masks.flatten(1).sum(dim=1).tolist() == [36, 16]
    assert second.crowds.tolist() == [True]
    assert second.boxes.tolist() == [[10, 0, 15, 20]]
    assert third.masks.shape == (0, 20, 30)


WRONG = {
    "category": ({"category_id": 3}, "has category 3, known are"),
    "image": ({"image_id": 5}, "is of image 5, which the file does not list"),
    "polygon": ({"segmentation": [[1, 2, 3, 4]]}, "a polygon of 4 numbers"),
    "outside": ({"bbox": [25, 3, 9, 6]}, "lies outside its image of 30 x 20 pixels"),
    "runs": ({"segmentation": {"size": [9, 9], "counts": [81]}}, "are not of 20 x 30 pixels"),
    "nothing": ({"segmentation": []}, "has neither polygons nor run lengths"),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_annotation_that_cannot_be_is_named(name: str, tmp_path: Path) -> None:
    changes, message = WRONG[name]
    with pytest.raises(DataError) as error:
        write(tmp_path, **changes).read()
    assert "all.json: annotation 1: " in str(error.value)
    assert message in str(error.value)


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    source = write(tmp_path)
    (tmp_path / "9.png").unlink()
    with pytest.raises(DataError, match=r"9\.png.*listed at .*all\.json"):
        module(source).setup()


def test_a_picture_of_another_size_is_named(tmp_path: Path) -> None:
    source = write(tmp_path)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "9.png")
    with pytest.raises(DataError, match=r"9\.png: is 8 x 8 pixels, .* says 20 x 30"):
        source.read()["test"][2]


def module(source: Any, **changes: Any) -> InstanceDataModule:
    settings: dict[str, Any] = {
        "image_size": None,
        "crop_size": None,
        "augmentation": None,
        "batch_size": 2,
        "num_workers": 0,
        "seed": 0,
    }
    return InstanceDataModule(source=source, **{**settings, **changes})


def test_batches_are_padded_with_nothing(tmp_path: Path) -> None:
    data = module(write(tmp_path))
    data.setup()
    first, second = data.test_dataloader()
    assert first.image_ids == ("7.png", "8.png")
    assert first.labels.tolist() == [[1, 0], [0, -1]]
    assert first.crowds.tolist() == [[False, False], [True, False]]
    assert first.masks[1, 1].sum() == 0
    assert second.labels.tolist() == [[-1]]


def test_objects_are_mirrored_and_scaled_with_their_picture() -> None:
    """An object's pixels have its colour still, wherever it went."""
    augmentation = PairedAugmentation(
        scale=(0.7, 1.4), crop=True, flip=True, brightness=0, contrast=0, saturation=0, hue=0
    )
    source = OverlappingShapes(num_train=8, num_val=0, num_test=0, side=64, seed=0)
    plain, changed = module(source), module(source, augmentation=augmentation)
    plain.setup()
    changed.setup()
    first, second = [
        batch
        for each in (plain, changed)
        for batch in each.train_dataloader()
        if "shapes-0-00003" in batch.image_ids
    ]
    image = first.image_ids.index("shapes-0-00003")
    assert first.image_ids == second.image_ids
    assert not torch.equal(first.masks[image].any(dim=0), second.masks[image].any(dim=0))
    before, after = (
        [each.images[image][:, mask].median(dim=1).values for mask in each.masks[image][real]]
        for each in (first, second)
        if (real := each.labels[image] >= 0).any()
    )
    assert len(after) >= 2
    for colour in after:
        assert min((colour - each).abs().max() for each in before) < 0.03


def test_resized_pictures_keep_their_objects(tmp_path: Path) -> None:
    data = module(write(tmp_path), image_size=(40, 60))
    data.setup()
    batch = next(iter(data.test_dataloader()))
    assert batch.images.shape[2:] == (40, 60)
    assert batch.boxes[0].tolist() == [[4, 6, 16, 18], [30, 10, 38, 18]]
