"""NYU Depth v2 from a tiny file of its layout: what is read, and what is said of what is broken."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from seqlab.data.errors import DataError
from seqlab.data.nyuv2 import NyuV2

HEIGHT, WIDTH = 66, 90  # of which rows 44 to 65 and columns 40 to 89 lie where the cameras overlap
SCENES = ("kitchen_1", "kitchen_1", "office_1", "kitchen_2", "office_1", "attic")
# Direction of the wall on each image; the camera is 2 m from it.
WALLS = [(0, 0, -1), (0.4, 0, -1), (-0.4, 0, -1), (0, 0.3, -1), (0, -0.3, -1), (0.2, 0.2, -1)]


def pixels(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(256, size=(HEIGHT, WIDTH, 3), dtype=np.uint8)


def wall(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Depth of a plane as the toolbox places points, with pixels from 1, and its normal."""
    n = np.array(WALLS[number]) / np.linalg.norm(WALLS[number])
    v, u = np.mgrid[1 : HEIGHT + 1, 1 : WIDTH + 1]
    x, y = (
        (u - 3.2558244941119034e2) / 5.1885790117450188e2,
        (v - 2.5373616633400465e2) / 5.19469611e2,
    )
    return -2 / (n[0] * x + n[1] * y + n[2]), n


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six images as MATLAB writes them: its last axis first."""
    with h5py.File(tmp_path / "nyu_depth_v2_labeled.mat", "w") as file:
        file["images"] = np.stack([pixels(n).transpose(2, 1, 0) for n in range(6)])
        depths = np.stack([wall(n)[0].T for n in range(6)]).astype(np.float32)
        file["depths"], raw = depths, depths.copy()
        raw[:, 60:64, 50:54] = 0  # not measured
        raw[:, 80:, 60:] = 10  # too far
        file["rawDepths"] = raw
        file["depths"][:, 60:64, 50:54] = 77.0  # painted in
        names = [
            file.create_dataset(f"#refs#/{n}", data=[[ord(c)] for c in s])
            for n, s in enumerate(SCENES)
        ]
        file["scenes"] = np.array([[name.ref for name in names]], dtype=h5py.ref_dtype)
    savemat(tmp_path / "splits.mat", {"trainNdxs": [[1], [2], [3], [5], [6]], "testNdxs": [[4]]})
    return tmp_path


def source(folder: Path, **changed: Any) -> NyuV2:
    return NyuV2(
        folder=str(folder), **({"normals": None, "radius": 2, "validate_every": 3} | changed)
    )


def test_images_are_read_by_scene_and_turned_as_matlab_stores_them(folder: Path) -> None:
    splits = source(folder).read()
    assert {name: split.image_ids for name, split in splits.items()} == {
        "train": ("0001", "0002", "0003", "0005"),
        "val": ("0006",),  # the attic is the first of the scenes
        "test": ("0004",),
    }
    assert source(folder, validate_every=None).read()["val"].image_ids == ()
    for split in splits.values():
        for index, name in enumerate(split.image_ids):
            image = split[index].image
            assert split.size(index) == (HEIGHT, WIDTH)
            np.testing.assert_array_equal(image.permute(1, 2, 0), pixels(int(name) - 1))


def test_normals_are_those_of_the_wall_where_it_was_measured(folder: Path) -> None:
    splits = source(folder).read()
    for split in splits.values():
        for index, name in enumerate(split.image_ids):
            normals, (_, true) = split[index].normals.numpy(), wall(int(name) - 1)
            known = normals.any(axis=0)
            assert not known[:44].any()
            assert not known[:, :40].any()
            assert not known[50:54, 60:64].any()
            assert not known[60:, 80:].any()
            assert known[46:64, 42:58].all()
            np.testing.assert_allclose(
                normals[:, known], np.tile(true[:, None], known.sum()), atol=2e-4
            )


def test_ready_made_normals_are_taken_instead(folder: Path) -> None:
    ready = folder / "ready"
    ready.mkdir()
    with pytest.raises(DataError, match=r"0004.npz: no such file of normals"):
        raise DataError(source(folder, normals=str(ready)).read()["test"].probe())
    normals = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    normals[3:, 5:] = (0, -0.6, -0.8)
    np.savez(ready / "0004.npz", normals=1.01 * normals)
    rooms = source(folder, normals=str(ready)).read()["test"]
    np.testing.assert_allclose(rooms[0].normals.permute(1, 2, 0), normals, atol=1e-6)
    for broken, said in (
        (2 * normals, "row 3, column 5 is of length 2.00, not 1 or 0"),
        (normals * np.nan, "is no number"),
        (normals[1:], "is 65 x 90 x 3, not 66 x 90 x 3"),
    ):
        np.savez(ready / "0004.npz", normals=broken)
        with pytest.raises(DataError, match=said):
            _ = rooms[0]
    (ready / "0004.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match="no array `normals` can be read"):
        _ = rooms[0]


def _rewritten(name: str, value: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with h5py.File(folder / "nyu_depth_v2_labeled.mat", "a") as file:
            del file[name]
            if value is not None:
                file[name] = value

    return change


def _splits(**numbers: Any) -> Callable[[Path], None]:
    return lambda folder: savemat(
        folder / "splits.mat", {"trainNdxs": [1], "testNdxs": [4], **numbers}
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_rewritten("images", None), "nyu_depth_v2_labeled.mat: has no variable images of 4 axes"),
        (_rewritten("images", np.zeros((6, 1, 90, 66), np.uint8)), "no three bytes for each pixel"),
        (
            _rewritten("rawDepths", np.zeros((6, 66, 90))),
            "rawDepths is 90 x 66 x 6, no depth of each",
        ),
        (_rewritten("scenes", None), "has no names of scenes"),
        (_rewritten("scenes", np.zeros((1, 6))), "has no names of scenes"),
        (lambda folder: (folder / "nyu_depth_v2_labeled.mat").write_bytes(b"x"), "read as HDF5"),
        (
            lambda folder: (folder / "nyu_depth_v2_labeled.mat").unlink(),
            "labeled.mat: no such file",
        ),
        (lambda folder: (folder / "splits.mat").unlink(), "splits.mat: no such file"),
        (lambda folder: (folder / "splits.mat").write_bytes(b"x"), "no trainNdxs can be read"),
        (_splits(testNdxs=[7]), "testNdxs has image 7; there are 1 to 6"),
        (_splits(trainNdxs=[2, 2]), "trainNdxs has an image twice"),
        (_splits(testNdxs=[1]), "trains and tests on image 1"),
    ],
)
def test_what_is_broken_is_named(folder: Path, change: Callable[[Path], Any], said: str) -> None:
    change(folder)
    with pytest.raises(DataError, match=said):
        source(folder).read()


def test_the_missing_library_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError) as caught:
        source(folder).read()
    assert caught.value.hint == "pip install 'seqlab[normals]'"


def test_settings_out_of_range_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="radius is 1 or more, 0 was given"):
        source(folder, radius=0)
    with pytest.raises(ValueError, match="validate_every is 2 or more or null, 1 was given"):
        source(folder, validate_every=1)
