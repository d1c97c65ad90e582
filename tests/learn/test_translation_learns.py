"""Training to a known result: python -m pytest -m slow tests/learn."""

from pathlib import Path

import pytest

from seqlab.config.compose import compose
from seqlab.run.train import train

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("overrides", "least"),
    [
        (["model=rnn_search"], 0.95),
        (["model=seq2seq"], 0.90),
        (["model=luong", "attention=dot"], 0.90),
        (["model=luong", "attention=general"], 0.90),
        (["model=luong", "attention=concat"], 0.90),
        (["model=luong", "attention=local_p"], 0.90),
        (["model=grid_lstm_translation"], 0.90),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else None,
)
def test_generated_language_is_translated(
    overrides: list[str], least: float, tmp_path: Path
) -> None:
    given = ["task=translation", *overrides, f"run_dir={tmp_path / 'run'}"]
    metrics = train(compose("train", given), given)
    assert metrics["test/exact_match"] >= least
