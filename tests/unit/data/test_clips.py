"""Clips are cut where they should be, and batches say whose they are."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from seqlab.data.clips import ClipDataModule
from seqlab.data.errors import DataError
from seqlab.data.video_sources import (
    Videos,
    VideoSource,
    overlapping_starts,
    spread_starts,
)


class Clocks(Videos):
    """Videos whose pixels say at what time they are seen, at which row and in which column."""

    def __init__(self, durations: list[float]) -> None:
        self.names = tuple(f"{seconds} s" for seconds in durations)
        self.labels = tuple(range(len(durations)))
        self._durations = durations

    def duration(self, index: int) -> float:
        return self._durations[index]

    def frames(self, index: int, times: NDArray[np.float64]) -> Tensor:
        shown = torch.zeros(len(times), 3, 6, 8, dtype=torch.uint8)
        shown[:, 0] = torch.tensor(np.round(times * 10)).byte()[:, None, None]
        shown[:, 1] = torch.arange(6)[:, None]
        shown[:, 2] = torch.arange(8)
        return shown


class ClockSource(VideoSource):
    frame_size = (6, 8)
    classes = ("short", "long")

    def __init__(self, train: list[float]) -> None:
        self.train = train

    def read(self) -> dict[str, Videos]:
        return {"train": Clocks(self.train), "val": Clocks([]), "test": Clocks([0.4, 4.0])}


def module(train: tuple[float, ...] = (2.0, 4.0), **changed: Any) -> ClipDataModule:
    settings: dict[str, Any] = {
        "source": ClockSource(list(train)),
        "num_frames": 4,
        "frame_rate": 5.0,
        "crop_size": (4, 4),
        "flip": True,
        "clips_per_video": 3,
        "batch_size": 3,
        "num_workers": 0,
        "seed": 1,
    }
    made = ClipDataModule(**(settings | changed))
    made.setup()
    return made


def test_clips_of_an_evaluation_are_evenly_spaced() -> None:
    batches = list(module().test_dataloader())
    assert [batch.videos.tolist() for batch in batches] == [[0, 1, 1], [1]]
    assert torch.cat([batch.starts for batch in batches]).tolist() == pytest.approx(
        [0.0, 0.0, 1.6, 3.2]
    )
    clip = (255 * batches[0].clips[2]).round()
    assert clip.shape == (3, 4, 4, 4)
    assert clip[0, :, 0, 0].tolist() == [16, 18, 20, 22]  # tenths of a second
    assert clip[1, 0, :, 0].tolist() == [1, 2, 3, 4]  # the middle of 6 rows
    assert clip[2, 0, 0].tolist() == [2, 3, 4, 5]
    assert batches[1].example_ids == ("4.0 s",)
    assert batches[1].labels.tolist() == [1]


def test_training_clips_come_from_anywhere() -> None:
    data = module()
    loader = data.train_dataloader()
    starts, mirrored, tops = set(), set(), set()
    for epoch in range(30):
        loader.set_epoch(epoch)
        (batch,) = loader
        assert sorted(batch.videos.tolist()) == [0, 1]
        for row, video in enumerate(batch.videos.tolist()):
            clip = (255 * batch.clips[row]).round()
            assert 0 <= batch.starts[row] <= (1.2, 3.2)[video]
            starts.add(round(float(batch.starts[row]), 3))
            mirrored.add(bool(clip[2, 0, 0, 0] > clip[2, 0, 0, -1]))
            tops.add(int(clip[1, 0, 0, 0]))
    assert len(starts) > 50
    assert mirrored == {True, False}
    assert tops == {0, 1, 2}
    again = next(iter(module().train_dataloader()))
    assert torch.equal(again.clips, next(iter(data.train_dataloader())).clips)


def test_where_clips_begin() -> None:
    assert spread_starts(1.0, 2.0, 10) == [0.0]
    assert spread_starts(5.0, 2.0, 1) == [1.5]
    assert spread_starts(5.0, 2.0, 4) == [0.0, 1.0, 2.0, 3.0]


def test_the_spec_says_what_clips_are() -> None:
    spec = module().spec
    assert (spec.num_frames, spec.height, spec.width) == (4, 4, 4)
    assert spec.classes == ("short", "long")
    assert spec.split_hash != module((2.0, 4.5)).spec.split_hash


def test_wrong_settings() -> None:
    with pytest.raises(ValueError, match=r"crop_size=\[7, 4\] is larger than frames of \[6, 8\]"):
        module(crop_size=(7, 4))
    with pytest.raises(ValueError, match=r"are above 0, not 0, 5\.0, 3 and 3"):
        module(num_frames=0)
    with pytest.raises(DataError, match="no video of the training split"):
        module(()).train_dataloader()


def test_clips_follow_each_other() -> None:
    assert overlapping_starts(1.0, 2.0, 1.0) == [0.0]
    assert overlapping_starts(5.0, 2.0, 1.0) == [0.0, 1.0, 2.0, 3.0]
    assert overlapping_starts(4.9, 2.0, 1.0) == [0.0, 1.0, 2.0]  # no clip is cut short
    with pytest.raises(ValueError, match="not above 0"):
        overlapping_starts(5.0, 2.0, 0.0)
