"""Lets a stand-in train where several runs of one command are tested."""

from pathlib import Path

import pytest

from seqlab.run import seed_runs
from tests.unit.run.several_runs import FAKE


@pytest.fixture
def fake_train(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of several seeds are the stand-in's."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setattr(seed_runs, "SEQLAB", FAKE)
