"""Pascal VOC's layout and palette, SBD beside it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from seqlab.data.batches import VOID
from seqlab.data.errors import DataError
from seqlab.data.voc2012 import Voc2012, read_numbers
from tests.unit.data.segmentation_files import write_image, write_labels


def write_mat(path: Path, numbers: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    edges = np.zeros((2, 2), np.uint8)
    savemat(path, {"GTcls": {"Segmentation": numbers, "Boundaries": edges}}, do_compression=True)


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    """VOC trains on a and b and validates on c; SBD has labelled b, c, d and e."""
    voc, sbd = tmp_path / "voc", tmp_path / "sbd"
    for seed, name in enumerate("abc"):
        write_image(voc / "JPEGImages" / f"{name}.jpg", (2, 3), seed)
        labels = [[0, 1, 20], [VOID, 5, seed]]
        write_labels(voc / "SegmentationClass" / f"{name}.png", labels, palette=True)
    lists = voc / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nb\n")
    (lists / "val.txt").write_text("c\n")
    for seed, name in enumerate("bcde"):
        write_image(sbd / "img" / f"{name}.jpg", (2, 2), seed)
        write_mat(sbd / "cls" / f"{name}.mat", np.array([[0, 20], [seed, 7]], np.uint8))
    (sbd / "train.txt").write_text("b\nd\n")
    (sbd / "val.txt").write_text("c\ne\n")
    return tmp_path


def _source(folder: Path, sbd: bool = True) -> Voc2012:
    return Voc2012(folder=f"{folder}/voc", sbd=f"{folder}/sbd" if sbd else None)


def test_sbd_adds_what_is_not_validated(voc: Path) -> None:
    splits = _source(voc).read()
    assert {name: split.image_ids for name, split in splits.items()} == {
        "train": ("a", "b", "d", "e"),
        "val": ("c",),
        "test": (),
    }
    train = splits["train"]
    assert train.probe() == []
    assert train[1].labels.tolist() == [[0, 1, 20], [VOID, 5, 1]]  # VOC's own
    assert train[2].labels.tolist() == [[0, 20], [2, 7]]
    assert train.labels(3).tolist() == [[0, 20], [3, 7]]
    expected = np.array(Image.open(voc / "sbd" / "img" / "d.jpg"))
    np.testing.assert_array_equal(train[2].image.permute(1, 2, 0), expected)


def test_voc_alone(voc: Path) -> None:
    assert _source(voc, sbd=False).read()["train"].image_ids == ("a", "b")
    with pytest.raises(DataError, match=r"nothere: no such folder\ndata.source.sbd=null"):
        Voc2012(folder=f"{voc}/voc", sbd=f"{voc}/nothere").read()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no matlab", "no label map can be read of it"),
        ({"other": 1}, "no label map can be read of it ('GTcls')"),
        ({"GTcls": {"Segmentation": np.array([["a"]])}}, "is no matrix of bytes"),
        ({"GTcls": {"Segmentation": np.zeros((2, 2))}}, "is no matrix of bytes"),
    ],
)
def test_what_is_no_label_map_is_told(tmp_path: Path, content: Any, said: str) -> None:
    path = tmp_path / "a.mat"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        savemat(path, content)
    with pytest.raises(DataError) as caught:
        read_numbers(path)
    assert caught.value.problems[0].startswith(f"{path}: ")
    assert said in caught.value.problems[0]


def test_a_mat_cut_short_is_told(voc: Path) -> None:
    path = voc / "sbd" / "cls" / "d.mat"
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"d\.mat"):
            read_numbers(path)


def test_sbd_labels_of_another_size_are_told_when_they_are_read(voc: Path) -> None:
    write_mat(voc / "sbd" / "cls" / "d.mat", np.zeros((2, 5), np.uint8))
    train = _source(voc).read()["train"]
    with pytest.raises(DataError, match=r"d\.mat: is 2 x 5 pixels, its image .*d\.jpg 2 x 2"):
        train[2]


def test_the_palette_is_the_official_one() -> None:
    palette = dict(zip(Voc2012.scheme.classes, Voc2012.scheme.palette, strict=True))
    assert len(palette) == 21
    # as printed with the development kit
    for name, colour in {
        "background": (0, 0, 0),
        "aeroplane": (128, 0, 0),
        "bicycle": (0, 128, 0),
        "boat": (0, 0, 128),
        "chair": (192, 0, 0),
        "person": (192, 128, 128),
        "tvmonitor": (0, 64, 128),
    }.items():
        assert palette[name] == "#{:02x}{:02x}{:02x}".format(*colour)
