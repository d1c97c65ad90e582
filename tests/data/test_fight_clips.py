"""The real fight clips: they decode, and five splits differ."""

import os
from pathlib import Path

import numpy as np
import pytest

from seqlab.data.clip_folder import ClipFolder

FOLDER = Path(os.environ.get("SEQLAB_DATA", "data")) / "fight_clips"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="fight_clips is not under SEQLAB_DATA"),
]


def source(split_seed: int) -> ClipFolder:
    return ClipFolder(
        folder=str(FOLDER),
        frame_size=(64, 85),
        shares=(0.6, 0.2, 0.2),
        split_seed=split_seed,
        shortest=0.5,
        on_bad="error",
        in_memory=False,
    )


def test_splits_are_stratified_and_differ() -> None:
    made = source(1)
    splits = made.read()
    assert made.classes == ("fight", "noFight")
    assert {name: np.bincount(part.labels).tolist() for name, part in splits.items()} == {
        "train": [72, 72],
        "val": [24, 24],
        "test": [24, 24],
    }
    assert splits["test"].names != source(2).read()["test"].names
    for index in range(0, 48, 16):
        frames = splits["test"].frames(index, np.arange(4) / 4)
        assert frames.shape == (4, 3, 64, 85)
        assert len(frames.unique(dim=0)) > 1
