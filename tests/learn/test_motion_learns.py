"""Training to a known result: python -m pytest -m slow tests/learn."""

from pathlib import Path

import pytest

from seqlab.config.compose import compose
from seqlab.run.train import train

pytestmark = pytest.mark.slow


def accuracy(folder: Path, *overrides: str) -> float:
    given = ["task=video_classification", *overrides, f"run_dir={folder}", "task.num_figures=0"]
    return train(compose("train", given), given)["test/video_accuracy"]


def test_c3d_tells_motions_apart(tmp_path: Path) -> None:
    assert accuracy(tmp_path / "c3d") >= 0.95


def test_single_frames_tell_nothing(tmp_path: Path) -> None:
    found = accuracy(tmp_path / "frames", "model=frame_cnn", "trainer.max_epochs=3")
    assert found < 1 / 11 + 0.07  # of 220 clips; chance lies beyond once in a thousand times
