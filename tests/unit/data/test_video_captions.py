"""Batches of captioned videos, and the layouts of MSVD and MSR-VTT."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqlab.data.described_videos import MSRVTT, MSVD
from seqlab.data.errors import DataError
from seqlab.data.spec import VideoCaptionSpec
from seqlab.data.synthetic.glimpses import Glimpses
from seqlab.data.video_caption_sources import VideoCaptionSource
from seqlab.data.video_captions import VideoCaptionDataModule
from seqlab.data.vocabulary import Vocabulary
from tests.unit.data.test_video_files import write

pytest.importorskip("av")


def module(source: VideoCaptionSource | None = None, **changed: Any) -> VideoCaptionDataModule:
    settings: dict[str, Any] = {
        "max_frames": 8,
        "frame_rate": None,
        "min_count": 1,
        "max_words": None,
        "captions_per_video": None,
        "batch_size": 4,
        "num_workers": 0,
        "seed": 1,
    }
    source = source or Glimpses(
        num_train=10, num_val=3, num_test=2, side=16, seconds=2.0, num_glimpses=4, seed=0
    )
    made = VideoCaptionDataModule(source=source, **(settings | changed))
    made.setup()
    return made


FILES: dict[str, Any] = {"frame_size": (24, 32), "shortest": 0.5, "in_memory": False}


@pytest.fixture
def msvd(tmp_path: Path) -> Path:
    """Five videos of a second or two, of each part of the mapping at least one."""
    named = {"a_1_2": 1, "-b_3_4": 1200, "c_5_9": 1300, "d__6_8": 1301, "e_0_1": 1970}
    for name, number in named.items():
        seconds = 2.0 if number == 1200 else 1.0
        write(tmp_path / "YouTubeClips" / f"{name}.avi", 20, seconds=seconds)
    mapping = "".join(f"{name} vid{number}\n" for name, number in named.items())
    (tmp_path / "youtube_mapping.txt").write_text(mapping)
    lines = ["# what this file is", ""]
    for name, number in named.items():
        lines += [f"{name} A man is number {number}.", f"{name} it moves"]
    (tmp_path / "AllVideoDescriptions.txt").write_text("\n".join(lines))
    return tmp_path


def msr_vtt(folder: Path) -> MSRVTT:
    parts = {"train_val.json": [(0, "train"), (1, "validate")], "test.json": [(2, "test")]}
    for file, videos in parts.items():
        for number, split in videos:
            place = "Test" if split == "test" else "Train"
            write(folder / place / f"video{number}.mp4", 20, seconds=1.0)
        content = {
            "info": {},
            "videos": [{"video_id": f"video{n}", "split": split, "id": n} for n, split in videos],
            "sentences": [
                {"video_id": f"video{n}", "caption": f"caption {k} of {n}", "sen_id": k}
                for n, _ in videos
                for k in range(2)
            ],
        }
        (folder / file).write_text(json.dumps(content))
    return MSRVTT(
        annotations=list(parts),
        videos=("Train", "Test"),
        folder=str(folder),
        on_bad="error",
        **FILES,
    )


def test_a_video_stands_once_with_all_its_captions() -> None:
    data = module()
    batches = list(data.train_dataloader())
    assert [len(batch.example_ids) for batch in batches] == [4, 4, 2]
    split = data.source.read()["train"]
    vocabulary = Vocabulary(data.spec.words)
    for batch in batches:
        assert batch.frames.shape == (len(batch.example_ids), 8, 3, 24, 16)
        assert batch.video_index.tolist() == [n for n in range(len(batch.frames)) for _ in "four"]
        for row, video in enumerate(batch.video_index.tolist()):
            number = int(batch.example_ids[video].partition(":")[2]) - 1
            times = (np.arange(8) + 0.5) / 4
            pixels = split.videos.frames(number, times).float() / 255
            torch.testing.assert_close(batch.frames[video], pixels)
            assert batch.telling[video].tolist() == split.telling(number, times).tolist()
            assert batch.references[video] == split.captions[number]
            assert vocabulary.decode(batch.tokens[row].tolist()) == split.captions[number][row % 4]
            assert batch.tokens[row, batch.lengths[row]] == VideoCaptionSpec.end_id
    assert VideoCaptionSpec.from_json(data.spec.to_json()) == data.spec


def test_captions_are_drawn_anew_in_every_epoch() -> None:
    data = module(captions_per_video=1)

    def drawn(epoch: int) -> dict[str, str]:
        loader = data.train_dataloader()
        loader.set_epoch(epoch)
        vocabulary = Vocabulary(data.spec.words)
        return {
            name: vocabulary.decode(batch.tokens[row].tolist())
            for batch in loader
            for row, name in enumerate(batch.example_ids)
        }

    first = drawn(0)
    assert len(first) == 10
    assert drawn(0) == first != drawn(1)
    assert len(next(iter(data.val_dataloader())).tokens) == 12  # evaluated are all


def test_frames_are_spread_or_have_a_rate(msvd: Path) -> None:
    source = MSVD(folder=str(msvd), on_bad="error", **FILES)
    data = module(source, frame_rate=4.0, max_frames=6)
    batch = next(iter(data.train_dataloader()))
    counts = dict(zip(batch.example_ids, batch.frame_counts.tolist(), strict=True))
    assert counts == {"a_1_2": 4, "-b_3_4": 6}
    short = batch.example_ids.index("a_1_2")
    assert (batch.frames[short, 4:] == 0).all()
    # Left of each frame it brightens from 20 by 60 grey values a second.
    grey = 255 * batch.frames[short, :4, :, :, 2:14].mean(dim=(1, 2, 3))
    np.testing.assert_allclose(grey, 20 + 60 * np.array([0.1, 0.35, 0.6, 0.85]), atol=4)
    assert batch.telling is None
    frames, seconds = data.open_video(msvd / "YouTubeClips" / "a_1_2.avi")
    torch.testing.assert_close(frames, batch.frames[short, :4])
    assert seconds == pytest.approx(1.0, abs=0.06)
    assert data.check() == []


def test_msvd_has_the_customary_split(msvd: Path) -> None:
    splits = MSVD(folder=str(msvd), on_bad="error", **FILES).read()
    assert {name: split.videos.names for name, split in splits.items()} == {
        "train": ("a_1_2", "-b_3_4"),
        "val": ("c_5_9",),
        "test": ("d__6_8", "e_0_1"),
    }
    assert splits["train"].captions[1] == ("A man is number 1200.", "it moves")
    data = module(MSVD(folder=str(msvd), on_bad="error", **FILES), max_words=4)
    (batch,) = data.train_dataloader()
    assert len(batch.tokens) == 2  # "a man is number 1200" has five words
    assert len(batch.references[0]) == 2


def test_what_is_wrong_with_msvd_is_said_with_file_and_line(msvd: Path) -> None:
    with (msvd / "youtube_mapping.txt").open("a") as file:
        file.write("f_1_2 vid1970\ng_1_2 vid1971\n")
    with (msvd / "AllVideoDescriptions.txt").open("a") as file:
        file.write("\na_1_2\nh_1_2 who is it\n")
    with pytest.raises(DataError) as caught:
        MSVD(folder=str(msvd), on_bad="error", **FILES).read()
    mapping, told = msvd / "youtube_mapping.txt", msvd / "AllVideoDescriptions.txt"
    assert caught.value.problems == [
        f"{told}:13: is no name and sentence: a_1_2",
        f"{mapping}:6: vid1970 is also at {mapping}:5",
        f"{mapping}:7: is no NAME vid1 to vid1970: g_1_2 vid1971",
        f"{mapping}: does not list h_1_2, which is described",
        f"{mapping}: lists f_1_2, which has no description",
    ]


def test_videos_that_are_not_here_are_counted(msvd: Path, caplog: pytest.LogCaptureFixture) -> None:
    (msvd / "YouTubeClips" / "a_1_2.avi").unlink()
    (msvd / "YouTubeClips" / "e_0_1.avi").write_text("no video")
    with pytest.raises(DataError) as caught:
        MSVD(folder=str(msvd), on_bad="error", **FILES).read()
    assert len(caught.value.problems) == 2
    assert "a_1_2.avi: cannot be opened as a video" in caught.value.problems[0]
    with caplog.at_level(logging.WARNING):
        splits = MSVD(folder=str(msvd), on_bad="skip", **FILES).read()
    assert "2 of 5 videos are left out" in caplog.text
    assert [len(split.captions) for split in splits.values()] == [1, 1, 1]
    assert splits["train"].captions[0][1] == "it moves"


def test_msr_vtt_is_read_from_several_files(tmp_path: Path) -> None:
    splits = msr_vtt(tmp_path).read()
    assert {name: split.videos.names for name, split in splits.items()} == {
        "train": ("video0",),
        "val": ("video1",),
        "test": ("video2",),
    }
    assert splits["test"].captions == (("caption 0 of 2", "caption 1 of 2"),)
    assert splits["test"].videos.frames(0, np.array([0.5])).shape == (1, 3, 24, 32)


def test_what_is_wrong_with_msr_vtt_is_said(tmp_path: Path) -> None:
    source = msr_vtt(tmp_path)
    path = tmp_path / "test.json"
    content = json.loads(path.read_text())
    content["videos"] += [{"video_id": "video7", "split": "test"}, {"video_id": "video8"}]
    content["sentences"].append({"caption": "of nothing"})
    path.write_text(json.dumps(content))
    with pytest.raises(DataError) as caught:
        source.read()
    first, second, third = caught.value.problems
    assert f"{path}: videos[2]: wants video_id and split (train, validate, test)" in first
    assert f"{path}: sentences[2]: wants video_id and caption" in second
    assert "video7 has no sentence" in third
    path.write_text("{}")
    with pytest.raises(DataError, match="which has lists `videos` and `sentences`"):
        source.read()


def test_numbers_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="max_frames is above 0, not 0"):
        module(max_frames=0)
