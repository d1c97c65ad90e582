"""ASLAN's second view, in tiny: two folds of two pairs."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from seqlab.data.aslan import ASLAN, read_pairs
from seqlab.data.errors import DataError
from seqlab.data.video_sources import Pair
from tests.unit.data.test_video_files import write

pytest.importorskip("av")

# Ids of two samples, whether they are the same, numbers of their actions; a fold each.
FOLDS = [
    [[1, 2, 1, 7, 7], [2, 30, 0, 7, 9]],
    [[30, 3, 1, 9, 9], [3, 1, 0, 9, 7]],
]


def matrix(folds: list[list[list[float]]]) -> np.ndarray:
    """[pairs, 5, folds]."""
    return np.array(folds, float).transpose(1, 2, 0)


def write_aslan(folder: Path) -> Path:
    """The data set in a folder."""
    first = write(folder / "ASLAN_AVI" / "0001.avi", 10, seconds=1.0)
    for name in ("sample-0002", "0003", "0030", "0031"):
        shutil.copy(first, first.with_stem(name))
    savemat(folder / "View2.mat", {"action_splits_pairs": matrix(FOLDS)})
    return folder


@pytest.fixture
def aslan(tmp_path: Path) -> Path:
    return write_aslan(tmp_path)


def source(folder: Path, **changed: Any) -> ASLAN:
    settings: dict[str, Any] = {
        "folder": str(folder),
        "videos": "ASLAN_AVI",
        "frame_size": (24, 32),
        "shortest": 0.5,
        "on_bad": "error",
        "in_memory": False,
    }
    return ASLAN(**(settings | changed))


def test_pairs_and_their_videos(aslan: Path) -> None:
    read = source(aslan)
    splits = read.read()
    assert splits["test"].names == ("0001", "0002", "0003", "0030")  # 0031 is in no pair
    assert [len(splits[name]) for name in ("train", "val")] == [0, 0]
    assert splits["test"].frames(1, np.array([0.0])).shape == (1, 3, 24, 32)
    assert read.pairs == (
        Pair("0001", "0002", True, 1),
        Pair("0002", "0030", False, 1),
        Pair("0030", "0003", True, 2),
        Pair("0003", "0001", False, 2),
    )


def test_missing_videos(aslan: Path, caplog: pytest.LogCaptureFixture) -> None:
    (aslan / "ASLAN_AVI/0003.avi").unlink()
    with pytest.raises(DataError, match=r"0003\.avi: cannot be opened"):
        source(aslan).read()
    read = source(aslan, on_bad="skip")
    assert read.read()["test"].names == ("0001", "0002", "0030")
    assert len(read.pairs) == 2
    assert "1 of 4 videos are left out" in caplog.text
    shutil.copy(aslan / "ASLAN_AVI/0001.avi", aslan / "ASLAN_AVI/other-0001.avi")
    with pytest.raises(DataError, match=r"has the digits of 0001\.avi too"):
        source(aslan).read()
    with pytest.raises(DataError, match="there is no such folder"):
        source(aslan, videos="ASLAN_MP4").read()


def test_lists_that_are_wrong(tmp_path: Path) -> None:
    path = tmp_path / "View2.mat"
    with pytest.raises(DataError, match="no action_splits_pairs can be read"):
        read_pairs(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(DataError, match="no action_splits_pairs can be read"):
        read_pairs(path)
    savemat(path, {"action_splits_pairs": matrix(FOLDS)[:, :3]})
    with pytest.raises(DataError, match="is 2 x 3 x 2, not pairs x 5 x folds"):
        read_pairs(path)
    wrong = [FOLDS[0], [[30, 3, 2, 9, 9], [0, 1.5, 0, 9, 7]]]
    savemat(path, {"action_splits_pairs": matrix(wrong)})
    with pytest.raises(DataError) as raised:
        read_pairs(path)
    assert [text.partition(": ")[2] for text in raised.value.problems] == [
        "pair 1 of fold 2 is the same by 2, not 0 or 1",
        "pair 2 of fold 2 is of the samples 0 and 1.5, not of two from 1 to 9999",
    ]
