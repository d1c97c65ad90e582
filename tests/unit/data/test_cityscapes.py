"""Cityscapes' layout and numbers."""

from pathlib import Path

import numpy as np
import pytest

from seqlab.data.batches import VOID
from seqlab.data.cityscapes import Cityscapes
from seqlab.data.errors import DataError
from tests.unit.data.segmentation_files import write_image, write_labels


def _place(folder: Path, split: str, city: str, number: int) -> tuple[Path, Path]:
    name = f"{city}_{number:06d}_000019"
    return (
        folder / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png",
        folder / "gtFine" / split / city / f"{name}_gtFine_labelIds.png",
    )


@pytest.fixture
def cityscapes(tmp_path: Path) -> Path:
    for split, city, number in (("train", "ulm", 1), ("train", "aachen", 0), ("val", "bonn", 0)):
        image, labels = _place(tmp_path, split, city, number)
        write_image(image, (5, 7))
        write_labels(labels, np.array([*range(34), 255]).reshape(5, 7))
    return tmp_path


def test_pairs_are_found_and_numbered_as_they_are_scored(cityscapes: Path) -> None:
    splits = Cityscapes(folder=str(cityscapes)).read()
    assert splits["train"].image_ids == ("aachen_000000_000019", "ulm_000001_000019")
    assert splits["val"].image_ids == ("bonn_000000_000019",)
    assert len(splits["test"]) == 0
    labels = splits["val"][0].labels.reshape(-1)
    # the official table of numbers that are scored, in their order
    scored = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
    assert labels[list(scored)].tolist() == list(range(19))
    assert (labels == VOID).sum() == 35 - 19
    names = dict(zip(scored, Cityscapes.scheme.classes, strict=True))
    assert (names[7], names[19], names[26], names[33]) == (
        "road",
        "traffic_light",
        "car",
        "bicycle",
    )


def test_single_files_are_told(cityscapes: Path) -> None:
    lonely, missing = _place(cityscapes, "train", "ulm", 2)
    write_image(lonely, (5, 7))
    gone, _ = _place(cityscapes, "val", "bonn", 0)
    gone.unlink()
    with pytest.raises(DataError) as caught:
        Cityscapes(folder=str(cityscapes)).read()
    assert caught.value.problems == [
        f"{missing}: no such label map, listed at {cityscapes}",
        f"{gone}: no such image, listed at {cityscapes}",
    ]


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"leftImg8bit/val: no folder of a city with a picture"):
        Cityscapes(folder=str(tmp_path)).read()
