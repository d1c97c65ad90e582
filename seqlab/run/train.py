"""Train a model: fit, then evaluate the best checkpoint on the test split."""

import json
import os
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lightning import Trainer
from lightning.pytorch.strategies.launchers.subprocess_script import _SubprocessScriptLauncher
from omegaconf import DictConfig, OmegaConf

from seqlab.config.build import build
from seqlab.run.assemble import (
    Parts,
    assemble,
    attach,
    prepare_torch,
    read_checkpoint,
    record_of,
    refuse_other_data,
)
from seqlab.run.environment import describe_environment, sound_threads
from seqlab.run.keeping import KeepCheckpoints, NonFiniteWeightsError
from seqlab.run.loggers import RunLogger
from seqlab.run.opening import Opened, keep_settings, open_run
from seqlab.run.outcome import (
    evaluate_split,
    keep_figures,
    keep_predictions,
    log_samples,
    numbers,
)
from seqlab.run.processes import RUN_DIR, is_rank_zero, rank
from seqlab.run.random_state import seed_everything
from seqlab.run.rundir import atomic_write
from seqlab.run.screen import Screen, format_seconds, log, logging_to
from seqlab.run.seed_runs import several
from seqlab.run.signals import Interrupted, StopRequest
from seqlab.run.starting import rescale_start, start_from
from seqlab.tasks.base import NonFiniteLossError, Task

SEEDS_APART = 1_000_003  # between the processes of a run, so that seeds in a row do not meet


class RunFailedError(RuntimeError):
    """A run that ended before its time, with what is left of it.

    Args:
        message: what happened and what is left.
        log_path: where the traceback is.
    """

    def __init__(self, message: str, log_path: str) -> None:
        super().__init__(message)
        self.log_path = log_path


def train(config: DictConfig, overrides: Sequence[str]) -> dict[str, float]:
    """Train, or go on with training, one run, one for each seed, or the best of several restarts.

    Args:
        config: a validated config of `seqlab train`.
        overrides: that it was composed with.

    Returns:
        The final metrics, those of the best validation and those of the test.

    Raises:
        KeyboardInterrupt: a signal asked to stop; the run can be resumed.
        UserError: the run directory holds another run, or settings change that must not.
        RunFailedError: the loss or the weights became NaN or infinite.
        SeedsFailedError: some of several seeds failed.
        RestartsFailedError: all restarts failed.
    """
    kind = several(config)
    if kind == "seeds":
        from seqlab.run.seeds import train_seeds  # these two import what one run has no use for

        return train_seeds(config, overrides)
    if kind == "restarts":
        from seqlab.run.restarts import train_restarts

        return train_restarts(config, overrides)
    try:
        with StopRequest().installed() as stop:
            return _train_one(config, overrides, stop)
    except Interrupted:
        raise KeyboardInterrupt from None


def _train_one(config: DictConfig, overrides: Sequence[str], stop: StopRequest) -> dict[str, float]:
    opened = open_run(config, overrides)
    run_dir = opened.run_dir
    screen = Screen(quiet=not is_rank_zero())
    if run_dir.done.exists() and not opened.runs_changed and is_rank_zero():
        screen.line(f"{run_dir.path} is done; its metrics are in {run_dir.metrics}")
        return numbers(run_dir.read_metrics())
    os.environ[RUN_DIR] = str(run_dir.path.absolute())
    try:
        with ExitStack() as stack:
            if is_rank_zero():
                stack.enter_context(run_dir.claimed())
            stack.enter_context(logging_to(run_dir.log_of(rank())))
            return _Run(opened, screen, stop).run()
    finally:
        os.environ.pop(RUN_DIR, None)


class _Run:
    """One run in its directory."""

    def __init__(self, opened: Opened, screen: Screen, stop: StopRequest) -> None:
        self.run_dir, self.opened, self.config = opened.run_dir, opened, opened.config
        self.screen, self.stop = screen, stop
        self.began = time.monotonic()
        if self.config.threads is None:
            self.config.threads = sound_threads()

    def run(self) -> dict[str, float]:
        """Fit, test and report; errors are in the log with their traceback."""
        try:
            return self._fit_and_test()
        except Interrupted:
            self._say_how_to_resume()
            raise
        except (NonFiniteLossError, NonFiniteWeightsError) as error:
            self._log_traceback()
            raise RunFailedError(
                f"{error}\n{self._last_checkpoint()}", str(self.run_dir.log_of(rank()))
            ) from error
        except Exception as error:
            self._log_traceback()
            error.log_path = str(self.run_dir.log_of(rank()))  # type: ignore[attr-defined]
            raise

    def _fit_and_test(self) -> dict[str, float]:
        prepare_torch(threads=self.config.threads)
        if is_rank_zero():
            self.run_dir.done.unlink(missing_ok=True)
            self.run_dir.create()
            keep_settings(self.opened)
        parts = assemble(self.config)
        self._prepare(parts)
        loggers = self._loggers()
        keep, callbacks = self._callbacks(parts)
        settings = build(self.config.trainer, allow=self.config.allow)
        trainer = settings.make(
            folder=self.run_dir.path,
            deterministic=self.config.deterministic,
            callbacks=callbacks,
            loggers=loggers,
        )
        failed = 1
        try:
            self._fit(trainer, parts)
            metrics = self._test(trainer, parts, keep, loggers)
            failed = 0
        finally:
            for logger in loggers:
                logger.close(failed)
            if failed and isinstance(trainer.strategy.launcher, _SubprocessScriptLauncher):
                trainer.strategy.launcher.kill(signal.SIGTERM)  # or they wait for this process
        if is_rank_zero():
            self._report(metrics, parts.task)
        return numbers(metrics)

    def _prepare(self, parts: Parts) -> None:
        """Check that the data is that of a run that goes on; compute what is computed once."""
        split_hash = getattr(parts.spec, "split_hash", None)
        if is_rank_zero():
            self._keep_environment(split_hash)
        goes_on = self.run_dir.last.exists()
        if goes_on:
            saved = read_checkpoint(self.run_dir.path, "last", list(self.config.allow))
            refuse_other_data(saved, parts.spec)
            self.screen.line(f"going on with {self.run_dir.path} after step {saved.steps}")
        elif is_rank_zero():
            # Of a run that was killed before its first checkpoint, which begins again.
            self.run_dir.metrics_csv.unlink(missing_ok=True)
            self.run_dir.best.unlink(missing_ok=True)
        trained = sum(p.numel() for p in parts.task.model.parameters() if p.requires_grad)
        total = sum(p.numel() for p in parts.task.model.parameters())
        names = self.config.choices
        self.screen.line(
            f"{names.get('model')} on {names.get('data')}: {total / 1e6:.2f} M parameters, "
            f"{trained / 1e6:.2f} M of them trained; threads {self.config.threads}; "
            f"run directory {self.run_dir.path}"
        )
        if not goes_on:
            start_from(self.config, parts, self.screen)
        attach(parts, Path(self.config.paths.cache), self.screen)
        if not goes_on:
            rescale_start(self.config, parts, self.screen)

    def _keep_environment(self, split_hash: str | None) -> None:
        environment = describe_environment(
            seed=self.config.seed, threads=self.config.threads, split_hash=split_hash
        )
        if self.run_dir.environment.exists() and self.run_dir.last.exists():
            first = json.loads(self.run_dir.environment.read_text())
            environment = {**first, "resumed": [*first.get("resumed", []), environment]}
        atomic_write(self.run_dir.environment, json.dumps(environment, indent=1) + "\n")

    def _loggers(self) -> list[RunLogger]:
        plain: Any = OmegaConf.to_container(self.config, resolve=True)
        made = build(
            self.config.logger, allow=self.config.allow, run_dir=self.run_dir, config=plain
        )
        return list(made.values())

    def _callbacks(self, parts: Parts) -> tuple[KeepCheckpoints, list[Any]]:
        made = build(
            self.config.callbacks,
            allow=self.config.allow,
            run_dir=self.run_dir,
            monitor=parts.task.monitor,
            mode=parts.task.mode,
            record=record_of(self.config, parts.spec).to_json(),
            stop=self.stop,
            screen=self.screen,
        )
        callbacks = list(made.values())
        keep = next(each for each in callbacks if isinstance(each, KeepCheckpoints))
        return keep, callbacks

    def _fit(self, trainer: Trainer, parts: Parts) -> None:
        if rank() > 0:  # the weights are rank 0's; what is dropped out is each process's own
            seed_everything(self.config.seed + SEEDS_APART * rank())
        last = self.run_dir.last
        trainer.fit(
            parts.task,
            datamodule=parts.datamodule,
            ckpt_path=last if last.exists() else None,
            weights_only=True,
        )

    def _test(
        self, trainer: Trainer, parts: Parts, keep: KeepCheckpoints, loggers: Sequence[RunLogger]
    ) -> dict[str, Any]:
        task, data, seed = parts.task, parts.datamodule, self.config.seed
        step, best = trainer.global_step, self.run_dir.best
        split = "test"
        found = evaluate_split(trainer, task, data, split, seed=seed, checkpoint=best)
        if not found:
            split = "val"
            self.screen.line(
                "the test split is empty here; the best checkpoint is evaluated on val"
            )
            found = evaluate_split(trainer, task, data, split, seed=seed, checkpoint=best)
        keep_predictions(trainer, task, self.run_dir.predictions / f"{split}.jsonl")
        metrics = {**keep.best_metrics, **found}
        if is_rank_zero():
            keep_figures(self.run_dir, task, split)
            log_samples(loggers, task, data, split, step)
            self.run_dir.write_metrics(metrics)
            ended = time.strftime("%Y-%m-%dT%H:%M:%S%z")
            atomic_write(self.run_dir.done, f"{ended} {self._spent()}\n")
        return metrics

    def _report(self, metrics: dict[str, Any], task: Task) -> None:
        title = f"best checkpoint, epoch {metrics.get('epoch')}"
        self.screen.metrics_table(metrics, title, task.tables())
        self.screen.line(f"done in {self._spent()}; everything is in {self.run_dir.path}")
        self.screen.what_next(self.run_dir.path, task.example_input)

    def _spent(self) -> str:
        """How long it took, and what of that does not hang on what else the machine did."""
        wall = format_seconds(time.monotonic() - self.began)
        return f"{wall}, {format_seconds(time.process_time())} of CPU"

    def _log_traceback(self) -> None:
        log.exception("the run failed")

    def _last_checkpoint(self) -> str:
        if not self.run_dir.last.exists():
            return "no checkpoint was written before it"
        saved = read_checkpoint(self.run_dir.path, "last", list(self.config.allow))
        return f"the last good checkpoint is {self.run_dir.last} of step {saved.steps}"

    def _say_how_to_resume(self) -> None:
        path = self.run_dir.last
        kept = f"{path} is kept" if path.exists() else "there is no checkpoint yet"
        self.screen.line(f"stopped; {kept}; go on with:")
        self.screen.commands([["seqlab", "train", f"resume={self.run_dir.path}"]])
