"""Lightning's Trainer, with what a run leaves open."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import torch
from lightning import Trainer
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.profilers import PyTorchProfiler, SimpleProfiler

from seqlab.run.checkpoints import AtomicCheckpointIO


@dataclass(frozen=True, kw_only=True)
class TrainerSettings:
    """Arguments of Lightning's Trainer, which documents them.

    Those that are not here would break the promise of an exact resume, or are the run's own.

    Args:
        accelerator: `auto`, `cpu`, `gpu` or another kind of device.
        devices: how many, which ones, or `auto` for all.
        num_nodes: machines.
        strategy: how several devices share the work; `auto`, `ddp` and others.
        precision: `32-true`, `bf16-mixed`, `16-mixed` and others.
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
    """

    accelerator: str
    devices: int | str | list[int]
    num_nodes: int
    strategy: str
    precision: str
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
