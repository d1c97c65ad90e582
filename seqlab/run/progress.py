"""How far a run is: bars on a terminal, a line now and then elsewhere."""

import time
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.trainer.states import TrainerFn
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bars

from seqlab.run.screen import Screen, format_seconds, format_value


class Progress(Callback):
    """Shows loss, examples per second and the time left of the epoch and of the run.

    After each validation its metrics are one line.

    Args:
        refresh_seconds: time between two looks at the bars, on a terminal.
        line_seconds: time between two lines, elsewhere.
        screen: where to.
    """

    def __init__(self, *, refresh_seconds: float, line_seconds: float, screen: Screen) -> None:
        self.screen = screen
        self.interval = refresh_seconds if screen.is_terminal else line_seconds
        self._bars: _Bars | None = None
        self._speed = _Speed()
        self._began = 0.0  # when this process began to train
        self._skipped = 0  # batches that were done before, in a resumed run
        self._shown = 0.0

    # ---- training

    def on_train_start(self, trainer: Trainer, task: LightningModule) -> None:
        self._began = self._shown = time.monotonic()
        self._skipped = trainer.fit_loop.epoch_loop.batch_progress.total.completed
        self._open()

    def on_train_batch_start(
        self, trainer: Trainer, task: LightningModule, batch: Any, batch_index: int
    ) -> None:
        self._speed.start()

    def on_train_batch_end(
        self, trainer: Trainer, task: Any, outputs: Any, batch: Any, batch_index: int
    ) -> None:
        self._speed.add(task.batch_size(batch) * trainer.world_size)
        if self._is_time():
            self._show_training(trainer)

    def _show_training(self, trainer: Trainer) -> None:
        progress = trainer.fit_loop.epoch_loop.batch_progress
        done, num_batches = progress.current.ready, trainer.num_training_batches
        loss = trainer.callback_metrics.get("train/loss")
        speed, batch_seconds = self._speed.take()
        epoch_left = (num_batches - done) * batch_seconds
        words = [f"{speed:.0f} examples/s"]
        if loss is not None:
            words.insert(0, f"loss {format_value(float(loss))}")
        total = _total_batches(trainer)
        here = progress.total.ready - self._skipped
        run_left = None
        if total is not None and here > 0:
            # With validation in it, which the time of a batch is without.
            seconds = (time.monotonic() - self._began) / here
            run_left = max(epoch_left, (total - progress.total.ready) * seconds)
        epoch = f"epoch {trainer.current_epoch + 1}" + (
            f"/{trainer.max_epochs}" if (trainer.max_epochs or -1) > 0 else ""
        )
        words.append(f"epoch {format_seconds(epoch_left)} left")
        if run_left is not None:
            words.append(f"run {format_seconds(run_left)} left")
        if self._bars is not None and total is not None:
            self._bars.run(progress.total.ready, total)
        self._show(epoch, done, num_batches, words)

    # ---- evaluation

    def on_validation_start(self, trainer: Trainer, task: LightningModule) -> None:
        self._open()
        self._speed.pause()

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        task: LightningModule,
        outputs: Any,
        batch: Any,
        batch_index: int,
        dataloader_index: int = 0,
    ) -> None:
        self._show_evaluation("validating", batch_index + 1, trainer.num_val_batches)

    def on_validation_end(self, trainer: Trainer, task: LightningModule) -> None:
        found = {n: v for n, v in trainer.callback_metrics.items() if n.startswith("val/")}
        words = [f"{name} {format_value(float(value))}" for name, value in found.items()]
        where = ""
        if trainer.state.fn == TrainerFn.FITTING:
            where = f"epoch {trainer.current_epoch + 1}, step {trainer.global_step}: "
        self.screen.line(where + ("  ".join(words) or "nothing was measured"))
        self._shown = time.monotonic()

    def on_test_start(self, trainer: Trainer, task: LightningModule) -> None:
        self._open()
        self._shown = time.monotonic()

    def on_test_batch_end(
        self,
        trainer: Trainer,
        task: LightningModule,
        outputs: Any,
        batch: Any,
        batch_index: int,
        dataloader_index: int = 0,
    ) -> None:
        name = f"evaluating {getattr(task, 'evaluated_split', 'test')}"
        self._show_evaluation(name, batch_index + 1, trainer.num_test_batches)

    def _show_evaluation(self, name: str, done: int, batches: list[int | float]) -> None:
        if self._is_time():
            self._show(name, done, sum(batches), [])

    # ---- both

    def _is_time(self) -> bool:
        now = time.monotonic()
        if now - self._shown < self.interval:
            return False
        self._shown = now
        return True

    def _show(self, name: str, done: int, total: int | float, words: list[str]) -> None:
        if self._bars is not None:
            self._bars.part(name, done, total, "  ".join(words))
        else:
            self.screen.line("  ".join([name, f"batch {done}/{total:.0f}", *words]))

    def on_train_epoch_start(self, trainer: Trainer, task: LightningModule) -> None:
        self._speed.pause()

    def _open(self) -> None:
        if self._bars is None and self.screen.is_terminal:
            self._bars = _Bars(self.screen)

    def _close(self) -> None:
        if self._bars is not None:
            self._bars.close()
            self._bars = None

    def on_train_end(self, trainer: Trainer, task: LightningModule) -> None:
        self._close()

    def on_test_end(self, trainer: Trainer, task: LightningModule) -> None:
        self._close()

    def on_exception(
        self, trainer: Trainer, task: LightningModule, exception: BaseException
    ) -> None:
        self._close()


class _Bars:
    """One bar for the part of a run at hand and one for the run."""

    def __init__(self, screen: Screen) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[words]}"),
        )
        self._progress = Bars(*columns, console=screen.console, auto_refresh=False, transient=True)
        self._part: TaskID = self._progress.add_task("", words="", visible=False)
        self._run: TaskID = self._progress.add_task("run", words="", visible=False)
        self._progress.start()

    def part(self, name: str, done: int, total: int | float, words: str) -> None:
        text = f"{done}/{total:.0f}  {words}"
        self._progress.update(
            self._part, description=name, completed=done, total=total, words=text, visible=True
        )
        self._progress.refresh()

    def run(self, done: int, total: int) -> None:
        """Drawn with the next part."""
        share = f"{100 * done // total} %"
        self._progress.update(self._run, completed=done, total=total, words=share, visible=True)

    def close(self) -> None:
        self._progress.stop()


class _Speed:
    """Examples per second and seconds per batch since it was last asked, waiting for data included.

    What lies between two epochs (validation, checkpoints) is not.
    """

    def __init__(self) -> None:
        self._examples = self._batches = 0
        self._seconds = 0.0
        self._at: float | None = None
        self._last = (0.0, 0.0)

    def start(self) -> None:
        if self._at is None:
            self._at = time.monotonic()

    def add(self, examples: int) -> None:
        now = time.monotonic()
        self._seconds += now - (self._at if self._at is not None else now)
        self._at = now
        self._examples += examples
        self._batches += 1

    def pause(self) -> None:
        self._at = None

    def take(self) -> tuple[float, float]:
        if self._seconds > 0:
            self._last = (self._examples / self._seconds, self._seconds / self._batches)
        self._examples, self._batches, self._seconds = 0, 0, 0.0
        return self._last


def _total_batches(trainer: Trainer) -> int | None:
    """Batches of the whole run, where it is known when it ends."""
    limits = []
    if trainer.max_epochs is not None and trainer.max_epochs > 0:
        limits.append(trainer.max_epochs * trainer.num_training_batches)
    if trainer.max_steps > 0:
        limits.append(trainer.max_steps * trainer.accumulate_grad_batches)
    finite = [int(limit) for limit in limits if limit != float("inf")]
    return min(finite, default=None)
