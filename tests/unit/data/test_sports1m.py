"""Sports-1M's lists, in tiny."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from seqlab.data.errors import DataError
from seqlab.data.sports1m import Sports1M
from tests.unit.data.test_video_files import write

pytest.importorskip("av")

URL = "https://www.youtube.com/watch?v="
IDS = [f"train-vid_{number}" for number in range(10)]


@pytest.fixture
def sports1m(tmp_path: Path) -> Path:
    (tmp_path / "original").mkdir()
    (tmp_path / "labels.txt").write_text("boomerang\nbandy\nkiting\n")
    lines = [f"{URL}{name} {number % 3},1" for number, name in enumerate(IDS)]
    train = [*lines, f"{URL}in_both 0", f"{URL}{IDS[0]} 2"]
    (tmp_path / "original/train_partition.txt").write_text("\n".join(train) + "\n")
    (tmp_path / "original/test_partition.txt").write_text(f"{URL}in_both 2\n{URL}gone 1,0\n")
    first = write(tmp_path / "videos/in_both.mp4", 10, seconds=1.0)
    for name in IDS:
        shutil.copy(first, first.with_name(f"{name}.mp4"))
    return tmp_path


def source(folder: Path, **changed: Any) -> Sports1M:
    settings: dict[str, Any] = {
        "folder": str(folder),
        "val_share": 0.4,
        "split_seed": 1,
        "frame_size": (24, 32),
        "shortest": 0.5,
        "on_bad": "skip",
        "in_memory": False,
    }
    return Sports1M(**(settings | changed))


def test_first_labels_of_the_videos_that_are_here(
    sports1m: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read = source(sports1m)
    splits = read.read()
    assert read.classes == ("boomerang", "bandy", "kiting")
    assert splits["test"].names == ("in_both",)
    assert splits["test"].labels == (2,)
    labels = {
        name: label
        for split in ("train", "val")
        for name, label in zip(splits[split].names, splits[split].labels, strict=True)
    }
    assert labels == {name: number % 3 for number, name in enumerate(IDS)}
    assert "2 videos are listed again" in caplog.text
    assert "1 of 12 videos are missing and left out, such as gone" in caplog.text
    with pytest.raises(DataError, match="1 of 12 videos are missing, such as gone"):
        source(sports1m, on_bad="error").read()


def test_what_validates_depends_on_no_other_video(sports1m: Path) -> None:
    before = source(sports1m).read()
    assert before["val"].names
    assert before["train"].names
    assert source(sports1m, split_seed=2).read()["val"].names != before["val"].names
    assert not source(sports1m, val_share=0.0).read()["val"].names
    gone = before["train"].names[0]
    (sports1m / f"videos/{gone}.mp4").unlink()
    after = source(sports1m).read()
    assert after["val"].names == before["val"].names
    assert after["train"].names == before["train"].names[1:]


def test_lists_that_are_wrong(sports1m: Path) -> None:
    path = sports1m / "original/test_partition.txt"
    path.write_text(f"{URL}one 1\none 1\n{URL}two 3\n{URL}three\n")
    with pytest.raises(DataError) as raised:
        source(sports1m).read()
    found = [text.removeprefix(f"{path}:") for text in raised.value.problems]
    assert found == [
        f"2: is no {URL}ID LABEL,LABEL: one 1",
        "3: has the label 3, but labels.txt 3 from 0 on",
        f"4: is no {URL}ID LABEL,LABEL: {URL}three",
    ]
    (sports1m / "labels.txt").unlink()
    with pytest.raises(DataError, match=r"labels\.txt: No such file"):
        source(sports1m).read()
    with pytest.raises(ValueError, match="from 0 to below 1, not 1"):
        source(sports1m, val_share=1)
