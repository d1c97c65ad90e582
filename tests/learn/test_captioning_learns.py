"""Training to a known result: python -m pytest -m slow tests/learn."""

from pathlib import Path

import pytest

from seqlab.config.compose import compose
from seqlab.run.train import train

pytestmark = pytest.mark.slow
CEILING = 0.985  # BLEU-4 of the oracle on the test scenes: python -m benchmarks.scene_ceiling


@pytest.mark.parametrize(
    ("overrides", "share"),
    [
        (["model=show_attend_tell"], 0.85),
        (["model=show_attend_tell", "attention=hard"], 0.8),  # learns from samples, more slowly
        (["model=show_tell"], 0.85),
        (["model=neuraltalk"], 0.85),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else None,
)
def test_scenes_are_described(overrides: list[str], share: float, tmp_path: Path) -> None:
    given = ["task=captioning", *overrides, f"run_dir={tmp_path / 'run'}"]
    metrics = train(compose("train", given), given)
    assert metrics["test/bleu4"] >= share * CEILING
    if "model=show_attend_tell" in overrides:
        assert metrics["test/pointing_accuracy"] >= 0.85
