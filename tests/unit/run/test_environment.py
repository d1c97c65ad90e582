"""How many threads a run takes where it is not told."""

import pytest

from seqlab.run import environment


@pytest.mark.parametrize(
    ("wanted", "cores", "threads"),
    [
        (None, 2, 2),
        (None, 64, 4),
        ("1", 8, 1),
        ("6", 8, 6),
        ("3,2", 8, 3),  # the first is that of the outermost level
        ("many", 2, 2),
        ("0", 2, 2),
        ("", 2, 2),
    ],
)
def test_sound_threads(
    wanted: str | None, cores: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if wanted is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    monkeypatch.setattr(environment, "available_cores", lambda: cores)
    assert environment.sound_threads() == threads
