"""CamVid's layout, and what is said of files that do not fit."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seqlab.data.batches import VOID
from seqlab.data.camvid import CamVid
from seqlab.data.errors import DataError
from seqlab.data.images import verify
from tests.unit.data.segmentation_files import write_image, write_labels

NAMES = {"train": ("a", "b", "c"), "val": ("d",)}


@pytest.fixture
def camvid(tmp_path: Path) -> Path:
    for split, names in NAMES.items():
        for seed, name in enumerate(names):
            suffix = "jpg" if name == "b" else "png"
            write_image(tmp_path / split / f"{name}.{suffix}", (3, 4), seed)
            write_labels(tmp_path / f"{split}annot" / f"{name}.png", np.arange(12).reshape(3, 4))
        lines = (
            f"/SegNet/CamVid/{split}/{n}.png /SegNet/CamVid/{split}annot/{n}.png\n" for n in names
        )
        (tmp_path / f"{split}.txt").write_text("".join(lines))
    return tmp_path


def _problems(folder: Path) -> list[str]:
    with pytest.raises(DataError) as caught:
        CamVid(folder=str(folder)).read()
    return caught.value.problems


def test_frames_and_labels_are_paired(camvid: Path) -> None:
    splits = CamVid(folder=str(camvid)).read()
    assert [splits[split].image_ids for split in ("train", "val", "test")] == [
        ("a", "b", "c"),
        ("d",),
        (),
    ]
    assert [splits["train"].size(n) for n in range(3)] == [(3, 4)] * 3
    for n, name in enumerate(("a.png", "b.jpg")):
        image, labels = splits["train"][n]
        expected = np.array(Image.open(camvid / "train" / name))
        np.testing.assert_array_equal(image.permute(1, 2, 0), expected)
        assert labels.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, VOID]]
    assert all(split.probe() == [] for split in splits.values())


def test_a_test_split_is_read_where_it_is(camvid: Path) -> None:
    write_image(camvid / "test" / "e.png", (3, 4))
    write_labels(camvid / "testannot" / "e.png", np.zeros((3, 4)))
    (camvid / "test.txt").write_text("/SegNet/CamVid/test/e.png /SegNet/CamVid/testannot/e.png\n")
    assert CamVid(folder=str(camvid)).read()["test"].image_ids == ("e",)


def test_all_that_is_missing_is_told_at_once(camvid: Path) -> None:
    (camvid / "train" / "b.jpg").unlink()
    (camvid / "trainannot" / "c.png").unlink()
    with (camvid / "val.txt").open("a") as file:
        file.write("only-one.png\n/x/train/a.png /x/trainannot/a.png\n")
    assert _problems(camvid) == [
        f"{camvid}/val.txt:2: names no frame and label map in folders: 'only-one.png'",
        f"{camvid}/val.txt:3: a is also listed at {camvid}/train.txt:1",
        f"{camvid}/train/b.png: no such image, listed at {camvid}/train.txt:2",
        f"{camvid}/trainannot/c.png: no such label map, listed at {camvid}/train.txt:3",
    ]


def test_a_missing_list_is_told(camvid: Path) -> None:
    (camvid / "train.txt").unlink()
    assert _problems(camvid) == [f"{camvid}/train.txt: No such file or directory"]


def test_a_glance_finds_other_sizes_and_what_is_no_picture(camvid: Path) -> None:
    write_labels(camvid / "trainannot" / "a.png", np.zeros((4, 3)))
    (camvid / "train" / "b.jpg").write_text("no picture")
    (camvid / "trainannot" / "c.png").write_text("no picture")
    first, second, third = CamVid(folder=str(camvid)).read()["train"].probe()
    assert first == (
        f"{camvid}/trainannot/a.png: is 4 x 3 pixels, its image {camvid}/train/a.png 3 x 4, "
        f"listed at {camvid}/train.txt:1"
    )
    assert second.startswith(f"{camvid}/train/b.jpg: cannot be read as an image (")
    assert third.startswith(f"{camvid}/trainannot/c.png: cannot be read as an image (")


def test_reading_finds_the_rest(camvid: Path) -> None:
    write_labels(camvid / "trainannot" / "a.png", np.full((3, 4), 12))
    whole = (camvid / "train" / "c.png").read_bytes()
    (camvid / "train" / "c.png").write_bytes(whole[:-30])
    Image.new("RGB", (4, 3)).save(camvid / "trainannot" / "b.png")
    images = CamVid(folder=str(camvid)).read()["train"]
    assert images.probe() == []
    first, second, third = verify(images)
    assert first == (
        f"{camvid}/trainannot/a.png: has pixels labelled 12; known are 0 to 11, "
        f"listed at {camvid}/train.txt:1"
    )
    assert second == (
        f"{camvid}/trainannot/b.png: is no label map: its pixels are RGB, not one byte each, "
        f"listed at {camvid}/train.txt:2"
    )
    assert third.startswith(f"{camvid}/train/c.png: cannot be read as an image (")


def test_labels_turn_with_no_camera(camvid: Path) -> None:
    """A photograph that is turned as its camera noted is as large as it then is."""
    image = Image.new("RGB", (3, 4))
    exif = image.getexif()
    exif[0x0112] = 6  # a quarter turn
    image.save(camvid / "train" / "b.jpg", exif=exif)
    images = CamVid(folder=str(camvid)).read()["train"]
    assert images.size(1) == (3, 4)
    assert images[1].image.shape == (3, 3, 4)
