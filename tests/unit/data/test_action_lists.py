"""The official lists of UCF101 and HMDB51, in tiny."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from seqlab.data.action_lists import HMDB51, UCF101, ListedVideos
from seqlab.data.errors import DataError
from tests.unit.data.test_video_files import write

pytest.importorskip("av")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("video") / "one.avi", 10, seconds=1.0)


def source(kind: type[ListedVideos], folder: Path, **changed: Any) -> ListedVideos:
    settings: dict[str, Any] = {
        "folder": str(folder),
        "split": 1,
        "val_share": 0.5,
        "frame_size": (24, 32),
        "shortest": 0.5,
        "on_bad": "error",
        "in_memory": False,
    }
    return kind(**(settings | changed))


@pytest.fixture
def ucf101(tmp_path: Path, video: Path) -> Path:
    """Of two classes: groups 1 and 2 to train on, 3 to test on."""
    for name in ("Bowling", "Archery"):
        for group in (1, 2, 3):
            path = tmp_path / "UCF-101" / name / f"v_{name}_g0{group}_c01.avi"
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(video, path)
    lists = tmp_path / "ucfTrainTestlist"
    lists.mkdir()
    (lists / "trainlist01.txt").write_text(
        "Archery/v_Archery_g01_c01.avi 1\nArchery/v_Archery_g02_c01.avi 1\n"
        "Bowling/v_Bowling_g01_c01.avi 2\r\nBowling/v_Bowling_g02_c01.avi 2\n"
    )
    (lists / "testlist01.txt").write_text(
        "Archery/v_Archery_g03_c01.avi\nBowling/v_Bowling_g03_c01.avi\n"
    )
    return tmp_path


def test_ucf101_validates_on_whole_groups(ucf101: Path) -> None:
    read = source(UCF101, ucf101)
    splits = read.read()
    assert read.classes == ("Archery", "Bowling")
    groups = {"train": "1", "val": "2", "test": "3"}
    for name, group in groups.items():
        names = tuple(f"{c}/v_{c}_g0{group}_c01.avi" for c in read.classes)
        assert splits[name].names == names
        assert splits[name].labels == (0, 1)
    whole = source(UCF101, ucf101, val_share=0.0).read()
    assert [len(whole[name]) for name in ("train", "val", "test")] == [4, 0, 2]


def test_lists_that_are_wrong(ucf101: Path) -> None:
    path = ucf101 / "ucfTrainTestlist" / "testlist01.txt"
    path.write_text("Archery/v_Archery_g03_c01.avi\nsomething else\n")
    with pytest.raises(DataError, match=r"testlist01\.txt:2: is no CLASS/v_CLASS"):
        source(UCF101, ucf101).read()
    path.write_text("Archery/v_Archery_g09_c01.avi\n")
    with pytest.raises(DataError, match=r"g09_c01\.avi: cannot be opened"):
        source(UCF101, ucf101).read()
    with pytest.raises(DataError, match=r"trainlist02\.txt: cannot be read"):
        source(UCF101, ucf101, split=2).read()
    with pytest.raises(ValueError, match="split is 1, 2 or 3"):
        source(UCF101, ucf101, split=4)


def test_hmdb51_leaves_out_what_is_in_no_split(tmp_path: Path, video: Path) -> None:
    folder = tmp_path / "hmdb51_org" / "wave"
    folder.mkdir(parents=True)
    uses = {"A_wave_u_0": 1, "A_wave_u_1": 1, "B_wave_u_0": 1, "C_wave_u_0": 2, "D_wave_u_0": 0}
    for name in uses:
        shutil.copy(video, folder / f"{name}.avi")
    lists = tmp_path / "testTrainMulti_7030_splits"
    lists.mkdir()
    path = lists / "wave_test_split1.txt"
    path.write_text("".join(f"{name}.avi {use} \n" for name, use in uses.items()))
    splits = source(HMDB51, tmp_path).read()
    assert splits["train"].names == ("wave/A_wave_u_0.avi", "wave/A_wave_u_1.avi")
    assert splits["val"].names == ("wave/B_wave_u_0.avi",)  # another film
    assert splits["test"].names == ("wave/C_wave_u_0.avi",)
    path.write_text("A_wave_u_0.avi 3\n")
    with pytest.raises(DataError, match=r"wave_test_split1\.txt:1: is no NAME\.avi and 0, 1 or 2"):
        source(HMDB51, tmp_path).read()
    with pytest.raises(DataError, match="has no list CLASS_test_split2"):
        source(HMDB51, tmp_path, split=2).read()
