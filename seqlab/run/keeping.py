"""Keeps last.ckpt and best.ckpt, and resumes from last.ckpt as if nothing had happened."""

import time
from typing import Any, Literal

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from seqlab.run import loop_state, random_state
from seqlab.run.checkpoints import RECORD_KEY
from seqlab.run.loggers import CsvLogger
from seqlab.run.loop_state import Moment
from seqlab.run.rundir import RunDir
from seqlab.run.signals import Interrupted, StopRequest

STATE_KEY = "seqlab_state"


class NonFiniteWeightsError(RuntimeError):
    """A weight became NaN or infinite; raised before a checkpoint would keep it."""


class KeepCheckpoints(Checkpoint):
    """Writes last.ckpt in the training loop and between epochs, best.ckpt after a validation.

    Beside what Lightning keeps, a checkpoint holds the random-number generators of every process,
    the position of the loader, the rows of metrics.csv, and whether training was told to end, so
    that what follows does not depend on where a run was stopped.

    Args:
        every_steps: optimisation steps between two writes within an epoch; null for no limit.
        every_minutes: minutes between two writes within an epoch; null for no limit.
        run_dir: where the checkpoints go.
        monitor: the validation metric that says which one is best.
        mode: whether more or less of it is better.
        record: what the checkpoint says of itself, as JSON text.
        stop: whether a signal asked the run to stop.

    Attributes:
        best_score: of the monitored metric; None where nothing was validated yet.
        best_metrics: validation metrics, epoch and step of best.ckpt.
    """

    def __init__(
        self,
        *,
        every_steps: int | None,
        every_minutes: float | None,
        run_dir: RunDir,
        monitor: str,
        mode: Literal["min", "max"],
        record: str,
        stop: StopRequest,
    ) -> None:
        self.every_steps, self.every_minutes = every_steps, every_minutes
        self.run_dir, self.monitor, self.mode = run_dir, monitor, mode
        self.record, self.stop = record, stop
        self.best_score: float | None = None
        self.best_metrics: dict[str, float] = {}
        self._moment: Moment | None = None  # what is being written; None for best.ckpt
        self._resumed: dict[str, Any] | None = None  # what is still to be restored
        self._before_validation: dict[str, Any] = {}
        self._saved_step, self._saved_time = 0, time.monotonic()
        self._validated = 0  # batches of all epochs that were done when validation last ended

    # ---- writing, at three moments of which loop_state knows the form

    def on_train_epoch_start(self, trainer: Trainer, task: LightningModule) -> None:
        resumed = self._resumed is not None
        self._restore_generators(trainer, "epoch")
        if trainer.current_epoch > 0 and not resumed:
            self._save_last(trainer, "epoch")
        if self._is_stopping(trainer):
            raise Interrupted

    def on_train_batch_start(
        self, trainer: Trainer, task: LightningModule, batch: Any, batch_index: int
    ) -> None:
        self._restore_generators(trainer, "batch")
        num_done = trainer.fit_loop.epoch_loop.batch_progress.current.completed
        stopping = self._is_stopping(trainer)
        if num_done == 0 and stopping:
            raise Interrupted  # the epoch has just been saved, or there is nothing to save
        if num_done == 0 or self._is_accumulating(trainer) or self._has_just_validated(trainer):
            return  # after the next batch, then
        if stopping or self._is_due(trainer):
            self._save_last(trainer, "batch")
        if stopping:
            raise Interrupted

    def on_validation_start(self, trainer: Trainer, task: LightningModule) -> None:
        if trainer.state.fn != TrainerFn.FITTING:
            return
        self._restore_generators(trainer, "validation")
        self._before_validation = self._changing_state(trainer)
        stopping = self._is_stopping(trainer)
        if not self._is_accumulating(trainer) and (stopping or self._is_due(trainer)):
            self._save_last(trainer, "validation")
        if stopping:
            raise Interrupted

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        task: LightningModule,
        outputs: Any,
        batch: Any,
        batch_index: int,
        dataloader_index: int = 0,
    ) -> None:
        if trainer.state.fn == TrainerFn.FITTING and self._is_stopping(trainer):
            if not self._is_accumulating(trainer):
                self._save_last(trainer, "validation")
            raise Interrupted

    def on_validation_end(self, trainer: Trainer, task: LightningModule) -> None:
        if trainer.state.fn != TrainerFn.FITTING:
            return
        self._validated = trainer.fit_loop.epoch_loop.batch_progress.total.completed
        if self.monitor not in trainer.callback_metrics:
            return
        score = float(trainer.callback_metrics[self.monitor])
        if self._is_better(score):
            self.best_score = score
            self._save_best(trainer, epoch=trainer.current_epoch + 1)

    def on_train_end(self, trainer: Trainer, task: LightningModule) -> None:
        if self.best_score is None:  # nothing was validated, so the last is the best
            self._save_best(trainer, epoch=trainer.current_epoch)
        self._save_last(trainer, "epoch")
        self.stop.patient = False
        if self._is_stopping(trainer):
            raise Interrupted

    def on_fit_end(self, trainer: Trainer, task: LightningModule) -> None:
        if not self.run_dir.best.exists():  # there was nothing to train: trainer.max_epochs=0
            self._save_best(trainer, epoch=0)
            self._save_last(trainer, "epoch")

    def _save_best(self, trainer: Trainer, *, epoch: int) -> None:
        found = trainer.callback_metrics.items()
        self.best_metrics = {n: float(v) for n, v in found if n.startswith("val/")}
        self.best_metrics |= {"epoch": epoch, "step": trainer.global_step}
        self._moment = None
        trainer.save_checkpoint(self.run_dir.best, weights_only=False)

    def _save_last(self, trainer: Trainer, moment: Moment) -> None:
        _refuse_broken_weights(trainer)
        if moment != "epoch":
            _refuse_averages(trainer)
        self._moment = moment
        trainer.save_checkpoint(self.run_dir.last, weights_only=False)
        self._saved_step, self._saved_time = trainer.global_step, time.monotonic()

    def on_save_checkpoint(
        self, trainer: Trainer, task: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        state = self._changing_state(trainer)
        if self._moment == "validation" and trainer.validating:
            state = self._before_validation  # what the half of a validation has changed
        logger = csv_logger(trainer)
        checkpoint[RECORD_KEY] = self.record
        checkpoint[STATE_KEY] = {
            "moment": self._moment,
            "generators": random_state.gather(state["generators"], trainer.strategy.root_device),
            "callback_metrics": state["callback_metrics"],
            "should_stop": trainer.should_stop,
            "best_score": self.best_score,
            "best_metrics": self.best_metrics,
            "csv_rows": logger.flush() if logger is not None else 0,
        }
        if self._moment is not None:
            loop_state.normalise(checkpoint["loops"]["fit_loop"], self._moment)

    def _changing_state(self, trainer: Trainer) -> dict[str, Any]:
        metrics = {name: _plain(value) for name, value in trainer.callback_metrics.items()}
        return {"generators": random_state.capture(), "callback_metrics": metrics}

    def _is_due(self, trainer: Trainer) -> bool:
        steps = trainer.global_step - self._saved_step
        due = self.every_steps is not None and steps >= self.every_steps
        if self.every_minutes is not None:
            due = due or time.monotonic() - self._saved_time >= 60 * self.every_minutes
        return bool(trainer.strategy.reduce_boolean_decision(due, all=False))

    def _is_accumulating(self, trainer: Trainer) -> bool:
        """Whether there are gradients of half a step, which no checkpoint holds."""
        progress = trainer.fit_loop.epoch_loop.batch_progress
        ended = progress.current.completed == trainer.num_training_batches
        return not ended and progress.current.completed % trainer.accumulate_grad_batches != 0

    def _has_just_validated(self, trainer: Trainer) -> bool:
        """Lightning would take a checkpoint at this batch for one before the validation."""
        return trainer.fit_loop.epoch_loop.batch_progress.total.completed == self._validated

    def _is_stopping(self, trainer: Trainer) -> bool:
        """Whether any process was asked to stop; all of them agree on the batch."""
        return bool(trainer.strategy.reduce_boolean_decision(self.stop.received, all=False))

    def _is_better(self, score: float) -> bool:
        best = self.best_score
        if best is None or best != best:  # none yet, or NaN
            return True
        return score > best if self.mode == "max" else score < best

    # ---- resuming

    def on_load_checkpoint(
        self, trainer: Trainer, task: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        if trainer.state.fn != TrainerFn.FITTING:
            return
        state = checkpoint[STATE_KEY]
        if len(state["generators"]) != trainer.world_size:
            raise RuntimeError(
                f"the run was saved by {len(state['generators'])} processes and cannot go on in "
                f"{trainer.world_size}: each has its own share of the data"
            )
        self._resumed = state
        self.best_score, self.best_metrics = state["best_score"], state["best_metrics"]
        trainer.should_stop = state["should_stop"]
        logger = csv_logger(trainer)
        if logger is not None:
            logger.keep_rows(state["csv_rows"])

    def on_test_start(self, trainer: Trainer, task: LightningModule) -> None:
        self.stop.install()

    def on_train_start(self, trainer: Trainer, task: LightningModule) -> None:
        self.stop.install()  # over Lightning's, which would not wait for the batch
        self.stop.patient = True
        self._saved_step, self._saved_time = trainer.global_step, time.monotonic()
        if self._resumed is None:
            return
        trainer._logger_connector._callback_metrics.update(
            {name: torch.as_tensor(v) for name, v in self._resumed["callback_metrics"].items()}
        )
        if self._resumed["moment"] == "epoch":
            loop_state.begin_epoch_anew(trainer.fit_loop)

    def _restore_generators(self, trainer: Trainer, moment: Moment) -> None:
        """Go on drawing random numbers where the checkpoint stood; once, at its own moment."""
        if self._resumed is not None and self._resumed["moment"] == moment:
            random_state.restore(self._resumed["generators"][trainer.global_rank])
            self._resumed = None


def csv_logger(trainer: Trainer) -> CsvLogger | None:
    """The logger that writes metrics.csv."""
    return next((each for each in trainer.loggers if isinstance(each, CsvLogger)), None)


def _plain(value: Any) -> Any:
    return value.detach().cpu() if isinstance(value, Tensor) else value


def _refuse_averages(trainer: Trainer) -> None:
    """Half an average is in no checkpoint; the other half would be logged as the whole."""
    logged = trainer.fit_loop.epoch_loop._results.values()
    averaged = [each.meta.name for each in logged if each.meta.on_epoch and not each.has_reset]
    if averaged:
        raise RuntimeError(
            f"{', '.join(averaged)} is averaged over the epoch, which a resumed run cannot go on "
            "with; log it for each step"
        )


def _refuse_broken_weights(trainer: Trainer) -> None:
    """A loss can be finite and its gradient not; the next loss would tell, after the checkpoint."""
    for name, parameter in trainer.lightning_module.named_parameters():
        if not bool(parameter.detach().isfinite().all()):
            raise NonFiniteWeightsError(
                f"{name} holds NaN or infinite weights after step {trainer.global_step}: the loss "
                "was finite and its gradient was not"
            )
