"""What may run beside training."""

import math
from typing import Any, Literal

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.trainer.states import TrainerFn

from seqlab.data.plans import Plan


class EarlyStopping(Callback):
    """Ends training when the monitored metric no longer improves.

    Args:
        patience: validations without improvement after which training ends; None for never.
        min_delta: what counts as an improvement.
        monitor: the metric.
        mode: whether more or less of it is better.
    """

    def __init__(
        self,
        *,
        patience: int | None,
        min_delta: float,
        monitor: str,
        mode: Literal["min", "max"],
    ) -> None:
        self.patience, self.min_delta = patience, min_delta
        self.monitor, self.mode = monitor, mode
        self.best: float | None = None
        self.num_waited = 0

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "num_waited": self.num_waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best, self.num_waited = state["best"], state["num_waited"]

    def on_validation_end(self, trainer: Trainer, task: LightningModule) -> None:
        if self.patience is None or trainer.state.fn != TrainerFn.FITTING:
            return
        if self.monitor not in trainer.callback_metrics:
            known = ", ".join(sorted(trainer.callback_metrics)) or "none"
            raise KeyError(f"early stopping watches {self.monitor}, the metrics are: {known}")
        score = float(trainer.callback_metrics[self.monitor])
        gain = 0.0 if self.best is None else score - self.best
        if self.mode == "min":
            gain = -gain
        if self.best is None or math.isnan(self.best) or gain > self.min_delta:
            self.best, self.num_waited = score, 0
            return
        self.num_waited += 1
        if self.num_waited >= self.patience:
            trainer.should_stop = True


class Overfit(Callback):
    """Trains on the same few batches in every epoch.

    Args:
        num_batches: how many.
    """

    def __init__(self, *, num_batches: int) -> None:
        self.num_batches = num_batches

    def setup(self, trainer: Trainer, task: LightningModule, stage: str) -> None:
        if stage != TrainerFn.FITTING:
            return
        data: Any = vars(trainer)["datamodule"]
        make = data.train_dataloader

        def few_batches() -> Any:
            loader = make()
            loader.plan = _FirstBatches(loader.plan, self.num_batches)
            loader.is_frozen = True
            return loader

        data.train_dataloader = few_batches


class _FirstBatches:
    """The first batches of the first epoch, in every epoch."""

    def __init__(self, plan: Plan, count: int) -> None:
        self.plan, self.count = plan, count

    def batches(self, epoch: int) -> list[list[int]]:
        return self.plan.batches(0)[: self.count]
