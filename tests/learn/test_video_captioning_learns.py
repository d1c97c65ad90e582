"""Training to a known result: python -m pytest -m slow tests/learn."""

from pathlib import Path

import pytest

from seqlab.config.compose import compose
from seqlab.run.train import train

pytestmark = pytest.mark.slow


def trained(folder: Path, *overrides: str) -> dict[str, float]:
    given = ["experiment=temporal_attention_glimpses_small", *overrides, f"run_dir={folder}"]
    return train(compose("train", given), given)


def test_attention_finds_the_frames_that_tell(tmp_path: Path) -> None:
    """The mean knows all that was seen, and not what was seen by the lamp."""
    attending = trained(tmp_path / "attention")
    mean = trained(tmp_path / "mean", "model=mean_pool_lstm")
    assert attending["test/cider"] > 2 * mean["test/cider"]
    assert attending["test/peak_on_telling"] > 2 / 8  # twice as often as by chance
