"""Videos written here by PyAV and read again: which frame is seen when, and what is no video."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqlab.data.clip_folder import ClipFolder
from seqlab.data.clips import ClipDataModule
from seqlab.data.errors import DataError
from seqlab.data.video_files import VideoFiles, read_duration, usable_videos

av = pytest.importorskip("av")


def write(path: Path, frame_rate: int, seconds: float = 3.0, sound_only: bool = False) -> Path:
    """A video that brightens from 20 by 60 grey values a second, left half; right half is red."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=frame_rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.bit_rate = 4_000_000
        stream.gop_size = 12  # so that one can seek into it
        for number in range(round(seconds * frame_rate)):
            pixels = np.zeros((48, 64, 3), np.uint8)
            pixels[:, :32] = 20 + round(60 * number / frame_rate)
            pixels[:, 32:, 0] = 200
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def opened(path: Path, *, in_memory: bool = False) -> VideoFiles:
    return VideoFiles(
        paths=[path],
        names=["video"],
        labels=[0],
        durations=[read_duration(path)],
        frame_size=(24, 32),
        in_memory=in_memory,
    )


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of five short videos each, of 20 and 30 frames a second."""
    folder = tmp_path_factory.mktemp("clips")
    for name, rate in (("slow", 20), ("quick", 30)):
        first = write(folder / name / "0.mp4", rate, seconds=1.0)
        for number in range(1, 5):
            shutil.copy(first, folder / name / f"{number}.mp4")
    return folder


def source(folder: Path, **changed: Any) -> ClipFolder:
    settings: dict[str, Any] = {
        "folder": str(folder),
        "frame_size": (24, 32),
        "shares": (0.6, 0.2, 0.2),
        "split_seed": 1,
        "shortest": 0.5,
        "on_bad": "error",
        "in_memory": False,
    }
    return ClipFolder(**(settings | changed))


@pytest.mark.parametrize("in_memory", [False, True])
@pytest.mark.parametrize("frame_rate", [20, 30])
def test_frames_are_those_of_their_time(frame_rate: int, in_memory: bool, tmp_path: Path) -> None:
    """Whatever the frame rate, and wherever in the file one begins."""
    path = write(tmp_path / "video.mp4", frame_rate)
    videos = opened(path, in_memory=in_memory)
    assert videos.duration(0) == pytest.approx(3.0, abs=0.05)
    for start in (0.0, 1.0, 2.1):
        times = start + np.arange(4) / 5
        frames = videos.frames(0, times).float()
        assert frames.shape == (4, 3, 24, 32)
        shown = np.floor(times * frame_rate + 1e-3) / frame_rate  # when the frame began
        np.testing.assert_allclose(frames[:, :, :, 2:14].mean((1, 2, 3)), 20 + 60 * shown, atol=3)
        red = frames[:, :, :, 18:30].mean((0, 2, 3))
        np.testing.assert_allclose(red, [200, 0, 0], atol=12)


def test_the_last_frame_stays_beyond_the_end(tmp_path: Path) -> None:
    path = write(tmp_path / "video.mp4", 20, seconds=1.0)
    videos = opened(path)
    frames = videos.frames(0, np.array([0.5, 0.95, 1.5])).float()
    assert (frames[1] == frames[2]).all()
    assert (frames[0] != frames[1]).any()


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty.mp4").touch()
    paths = [tmp_path / name for name in ("text.mp4", "empty.mp4", "absent.mp4")]
    with pytest.raises(DataError) as caught:
        usable_videos(paths, shortest=0.5, on_bad="error")
    assert len(caught.value.problems) == 3
    for path, problem in zip(paths, caught.value.problems, strict=True):
        assert problem.startswith(f"{path}: cannot be opened as a video")


def test_a_video_that_breaks_off(tmp_path: Path) -> None:
    whole = write(tmp_path / "video.mkv", 20)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[:3000])
    videos = opened(cut)
    with pytest.raises(DataError, match=r"cut\.mkv: breaks off at .* of 3\.00 s"):
        videos.frames(0, np.array([2.5]))


def test_each_class_is_split_alike(clips: Path) -> None:
    splits = source(clips).read()
    assert {name: sorted(split.labels) for name, split in splits.items()} == {
        "train": [0] * 3 + [1] * 3,
        "val": [0, 1],
        "test": [0, 1],
    }
    names = [name for split in splits.values() for name in split.names]
    assert len(set(names)) == 10
    assert names[0].startswith("quick/")
    others = [source(clips, split_seed=seed).read()["test"].names for seed in range(1, 6)]
    assert len(set(others)) > 1
    assert source(clips).read()["test"].names == others[0]


def test_bad_videos_are_an_error_or_counted(
    clips: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "clips"
    shutil.copytree(clips, folder)
    (folder / "slow" / "broken.mp4").write_text("no video")
    write(folder / "quick" / "short.mp4", 20, seconds=0.2)
    with pytest.raises(DataError) as caught:
        source(folder).read()
    assert len(caught.value.problems) == 2
    assert "lasts 0.20 s, less than shortest=0.5" in caught.value.problems[0]
    assert "on_bad=skip" in caught.value.hint
    splits = source(folder, on_bad="skip").read()
    assert sum(map(len, splits.values())) == 10
    assert "2 of 12 videos are left out" in caplog.text


def test_folders_that_are_no_classes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        source(tmp_path / "absent").read()
    with pytest.raises(DataError, match="0 folders with videos"):
        source(tmp_path).read()
    with pytest.raises(ValueError, match="shares are those of train, val, test"):
        source(tmp_path, shares=(0.5, 0.2, 0.2))


def test_files_are_opened_as_clips(clips: Path) -> None:
    module = ClipDataModule(
        source=source(clips),
        num_frames=4,
        frame_rate=8.0,
        crop_size=(20, 20),
        flip=False,
        clips_per_video=2,
        batch_size=2,
        num_workers=0,
        seed=0,
    )
    batch = module.open_video(clips / "slow" / "0.mp4")
    assert batch.clips.shape == (2, 3, 4, 20, 20)
    assert batch.starts.tolist() == pytest.approx([0.0, 0.5], abs=0.05)
    assert module.check() == []
    assert read_duration(clips / "slow" / "0.mp4") == pytest.approx(1.0, abs=0.05)
