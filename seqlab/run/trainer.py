"""Lightning's Trainer, with what a run leaves open."""

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import torch
from lightning import Trainer
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.profilers import PyTorchProfiler, SimpleProfiler
from lightning.pytorch.strategies import StrategyRegistry

from seqlab.config.errors import Problem, UserError, nearest
from seqlab.run.checkpoints import AtomicCheckpointIO

Precision = Literal["32-true", "bf16-mixed", "16-mixed", "bf16-true", "16-true", "64-true"]

_DURATION = re.compile(r"\d+:\d\d:\d\d:\d\d")
# Whole numbers, and the least that each may be.
_LEAST = {
    "num_nodes": 1,
    "max_epochs": -1,
    "min_epochs": 0,
    "max_steps": -1,
    "check_val_every_n_epoch": 1,
    "log_every_n_steps": 1,
    "accumulate_grad_batches": 1,
}
_SHARES = ("limit_train_batches", "limit_val_batches", "limit_test_batches", "val_check_interval")


@dataclass(frozen=True, kw_only=True)
class TrainerSettings:
    """Arguments of Lightning's Trainer, which documents them.

    Those that are not here would break the promise of an exact resume, or are the run's own.

    Args:
        accelerator: the kind of device.
        devices: how many, which ones, or `auto` for all.
        num_nodes: machines.
        strategy: how several devices share the work; `auto`, `ddp` and others.
        precision: of the numbers; `mixed` keeps the weights in 32 bits.
        max_epochs: when to end; -1 for no limit.
        min_epochs: not to be stopped before.
        max_steps: optimisation steps; -1 for no limit.
        max_time: DD:HH:MM:SS.
        limit_train_batches: share of the batches, or how many.
        limit_val_batches: share of the batches, or how many.
        limit_test_batches: share of the batches, or how many.
        val_check_interval: share of an epoch between validations, or how many batches.
        check_val_every_n_epoch: epochs between validations.
        log_every_n_steps: steps between rows of metrics.csv.
        accumulate_grad_batches: batches of one optimisation step.
        gradient_clip_val: largest norm or value of the gradient; None for no limit.
        gradient_clip_algorithm: whether the norm or each value is limited.
        sync_batchnorm: whether batch normalisation looks at the batches of all devices; on GPUs,
            torch has it for no other.
        benchmark: whether cuDNN tries its kernels first; None decides by `deterministic`.
        detect_anomaly: whether the operation that made a NaN is searched for; slow.
        profiler: `simple` times the hooks, `pytorch` the operations.

    Raises:
        UserError: values are not among those that may be; Lightning would say so only once the
            data is read, of one at a time, or not at all.
    """

    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps", "tpu"]
    devices: int | str | list[int]
    num_nodes: int
    strategy: str
    precision: Precision
    max_epochs: int
    min_epochs: int | None
    max_steps: int
    max_time: str | None
    limit_train_batches: int | float
    limit_val_batches: int | float
    limit_test_batches: int | float
    val_check_interval: int | float
    check_val_every_n_epoch: int
    log_every_n_steps: int
    accumulate_grad_batches: int
    gradient_clip_val: float | None
    gradient_clip_algorithm: Literal["norm", "value"]
    sync_batchnorm: bool
    benchmark: bool | None
    detect_anomaly: bool
    profiler: Literal["simple", "pytorch"] | None

    def __post_init__(self) -> None:
        problems = [*self._numbers(), *self._names()]
        if problems:
            raise UserError(problems)

    def _numbers(self) -> list[Problem]:
        problems = []
        for name, least in _LEAST.items():
            number = getattr(self, name)
            if number is not None and number < least:
                wanted = f"a whole number from {least} upwards"
                problems.append(_problem(name, number, "is too small", wanted))
        for name in _SHARES:
            number = getattr(self, name)
            # Nothing may be trained, validated or tested, but that is not to happen ever so often.
            least = 1 if name == "val_check_interval" else 0
            is_share = isinstance(number, float)
            if number < 0 or (number == 0 and least) or (is_share and number > 1):
                allowed = ("a share up to 1.0", f"a whole number of batches from {least} upwards")
                problems.append(_problem(name, number, "is neither", *allowed))
        clip = self.gradient_clip_val
        if clip is not None and clip <= 0:
            message = "is no limit of a gradient"
            allowed = ("a number above 0", "null: no limit")
            problems.append(_problem("gradient_clip_val", clip, message, *allowed))
        return problems

    def _names(self) -> list[Problem]:
        problems = []
        if not _are_devices(self.devices):
            allowed = ("auto", "how many, from 1 upwards", "-1: all", "a list of which ones")
            problems.append(_problem("devices", self.devices, "are no devices", *allowed))
        strategies = ("auto", *StrategyRegistry.available_strategies())
        if self.strategy not in strategies:
            near = nearest(self.strategy, strategies)
            message = "Lightning has no such strategy"
            problems.append(_problem("strategy", self.strategy, message, *strategies, near=near))
        if self.max_time is not None and not _DURATION.fullmatch(self.max_time):
            message = "is no duration"
            problems.append(_problem("max_time", self.max_time, message, "DD:HH:MM:SS", "null"))
        return problems

    def make(
        self, *, folder: Path, deterministic: bool, callbacks: list[Any], loggers: list[Any]
    ) -> Trainer:
        """The Trainer.

        Args:
            folder: the run directory.
            deterministic: whether equal seeds give equal results; operations that cannot do so on
                the device warn.
            callbacks: of the run.
            loggers: of the run.
        """
        # Lightning asks for deterministic kernels, which makes torch fill what is never read too.
        filling: Any = torch.utils.deterministic
        filling.fill_uninitialized_memory = False
        arguments = {field.name: getattr(self, field.name) for field in fields(self)}
        on_gpu = self.accelerator in ("gpu", "cuda", "auto") and torch.cuda.is_available()
        arguments["sync_batchnorm"] = self.sync_batchnorm and on_gpu
        plugins: list[Any] = [AtomicCheckpointIO()]
        if SLURMEnvironment.detect():
            # A requeued job resumes from last.ckpt; Lightning would write a checkpoint of its own.
            plugins.append(SLURMEnvironment(auto_requeue=False))
        return Trainer(
            **arguments | {"profiler": self._profiler(folder)},
            deterministic="warn" if deterministic else False,
            default_root_dir=folder,
            callbacks=callbacks,
            logger=loggers,
            plugins=plugins,
            num_sanity_val_steps=0,  # would draw random numbers before the first step
            use_distributed_sampler=False,  # the loaders share out their batches themselves
            enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_autolog_hparams=False,
        )

    def _profiler(self, folder: Path) -> Any:
        if self.profiler == "simple":
            return SimpleProfiler(dirpath=folder, filename="profile")
        if self.profiler == "pytorch":
            return PyTorchProfiler(dirpath=folder, filename="profile", export_to_chrome=False)
        return None


def _problem(
    name: str, given: Any, message: str, *allowed: str, near: str | None = None
) -> Problem:
    """Of a setting of the trainer."""
    return Problem(
        key=f"trainer.{name}", given=str(given), message=message, allowed=allowed, nearest=near
    )


def _are_devices(devices: int | str | list[int]) -> bool:
    """Whether Lightning takes them for a number of devices, or for the numbers of some."""
    if isinstance(devices, int):
        return devices == -1 or devices >= 1
    if isinstance(devices, list):
        return bool(devices) and all(number >= 0 for number in devices)
    return devices in ("auto", "-1") or re.fullmatch(r"\d+(,\d+)*,?", devices) is not None
