"""How far a run is, on a terminal and elsewhere."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from rich.console import Console

from seqlab.run import progress
from seqlab.run.progress import Progress
from seqlab.run.screen import Screen

SECONDS_A_BATCH = 0.5


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def trainer(done: int) -> Any:
    """A stand-in after so many batches of ten epochs of twenty."""
    counted = SimpleNamespace(
        current=SimpleNamespace(ready=done % 20 or 20),
        total=SimpleNamespace(ready=done, completed=0),
    )
    return SimpleNamespace(
        fit_loop=SimpleNamespace(epoch_loop=SimpleNamespace(batch_progress=counted)),
        callback_metrics={"train/loss": torch.tensor(2.5), "val/loss": torch.tensor(0.125)},
        num_training_batches=20,
        max_epochs=10,
        max_steps=-1,
        accumulate_grad_batches=1,
        current_epoch=(done - 1) // 20,
        global_step=done,
        world_size=1,
        state=SimpleNamespace(fn="fit"),
    )


def run(clock: list[float], screen: Screen, batches: int, interval: float) -> None:
    shown = Progress(refresh_seconds=interval, line_seconds=interval, screen=screen)
    task: Any = SimpleNamespace(batch_size=len)
    shown.on_train_start(trainer(0), task)
    for done in range(1, batches + 1):
        shown.on_train_batch_start(trainer(done), task, range(32), done)
        clock[0] += SECONDS_A_BATCH
        shown.on_train_batch_end(trainer(done), task, None, range(32), done)
    shown.on_validation_start(trainer(batches), task)
    clock[0] += 60
    shown.on_validation_end(trainer(batches), task)
    shown.on_train_end(trainer(batches), task)


def test_lines_where_there_is_no_terminal(clock: list[float]) -> None:
    out = io.StringIO()
    run(clock, Screen(console=Console(file=out, width=200)), 20, interval=4.0)
    assert out.getvalue().splitlines() == [
        # 32 examples in half a second; 12 batches left of the epoch and 192 of the run
        "epoch 1/10  batch 8/20  loss 2.5000  64 examples/s  epoch 0:06 left  run 1:36 left",
        "epoch 1/10  batch 16/20  loss 2.5000  64 examples/s  epoch 0:02 left  run 1:32 left",
        "epoch 1, step 20: val/loss 0.1250",
    ]


def test_the_time_of_validation_counts_for_the_run_and_not_for_the_speed(
    clock: list[float],
) -> None:
    out = io.StringIO()
    shown = Progress(
        refresh_seconds=1.0, line_seconds=10.0, screen=Screen(console=Console(file=out, width=200))
    )
    task: Any = SimpleNamespace(batch_size=len)
    shown.on_train_start(trainer(0), task)
    for done in range(1, 41):
        if done == 21:
            shown.on_validation_start(trainer(20), task)
            clock[0] += 20
            shown.on_validation_end(trainer(20), task)
            shown.on_train_epoch_start(trainer(20), task)
        shown.on_train_batch_start(trainer(done), task, range(32), done)
        clock[0] += SECONDS_A_BATCH
        shown.on_train_batch_end(trainer(done), task, None, range(32), done)
    # 40 batches took 20 s and a validation 20 s, so 160 more take 160 s
    assert out.getvalue().splitlines()[-1].endswith("64 examples/s  epoch 0:00 left  run 2:40 left")


def test_bars_on_a_terminal(clock: list[float]) -> None:
    out = io.StringIO()
    console = Console(file=out, width=120, force_terminal=True, color_system=None)
    run(clock, Screen(console=console), 20, interval=0.2)
    text = out.getvalue()
    assert "epoch 1/10" in text
    assert "20/20  loss 2.5000  64 examples/s" in text
    assert "10 %" in text  # of the run
    assert "epoch 1, step 20: val/loss 0.1250" in text
