"""Training to a known result: python -m pytest -m slow tests/learn."""

from pathlib import Path

import pytest

from seqlab.config.compose import compose
from seqlab.run.train import train

pytestmark = pytest.mark.slow


def metrics_of(folder: Path, *overrides: str) -> dict[str, float]:
    given = [*overrides, f"run_dir={folder}", "task.num_figures=0"]
    return train(compose("train", given), given)


def test_neighbours_are_placed(tmp_path: Path) -> None:
    metrics = metrics_of(tmp_path / "context", "task=context_prediction")
    assert metrics["test/accuracy"] >= 0.6  # of eight positions


def test_a_lens_tells_where_a_patch_lies_until_its_colours_are_projected(tmp_path: Path) -> None:
    words = ("task=patch_position", "data.source.num_train=1000")
    settings = {
        "without": ("data.source.aberration=0", "data.cures.colour=none"),
        "leak": ("data.source.aberration=0.03", "data.cures.colour=none"),
        "cured": ("data.source.aberration=0.03", "data.cures.colour=projection"),
    }
    told = {
        name: metrics_of(tmp_path / name, *words, *each)["test/r2_right"]
        for name, each in settings.items()
    }
    assert told["leak"] > told["without"] + 0.2
    assert told["cured"] < told["without"] + 0.1
