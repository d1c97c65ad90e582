"""Training to a known result: python -m pytest -m slow tests/learn."""

from pathlib import Path

import pytest

from seqlab.config.compose import compose
from seqlab.run.train import train

pytestmark = pytest.mark.slow
CEILING = 0.985  # BLEU-4 of the oracle on the test scenes: python -m benchmarks.scene_ceiling


@pytest.mark.parametrize(
    "overrides",
    [
        ["model=show_attend_tell"],
        ["model=show_attend_tell", "attention=hard"],
        ["model=show_tell"],
        ["model=neuraltalk"],
    ],
    ids=" ".join,
)
def test_scenes_are_described(overrides: list[str], tmp_path: Path) -> None:
    given = ["task=captioning", *overrides, f"run_dir={tmp_path / 'run'}"]
    metrics = train(compose("train", given), given)
    assert metrics["test/bleu4"] >= 0.85 * CEILING
    if "attention=hard" not in overrides and "model=show_attend_tell" in overrides:
        assert metrics["test/pointing_accuracy"] >= 0.85
