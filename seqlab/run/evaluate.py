"""Evaluate a run: its directory and the raw data are all that is needed."""

import json
from pathlib import Path

from omegaconf import DictConfig

from seqlab.config.build import build
from seqlab.run.assemble import Saved, attach, prepare_torch, reassemble
from seqlab.run.environment import sound_threads
from seqlab.run.members import PARTS, exchange_parts, place_of, read_members
from seqlab.run.outcome import evaluate_split, keep_figures, keep_predictions, numbers
from seqlab.run.processes import is_rank_zero
from seqlab.run.progress import Progress
from seqlab.run.rundir import RunDir, atomic_write
from seqlab.run.screen import Screen, logging_to
from seqlab.run.signals import Interrupted, StopRequest


def evaluate(config: DictConfig) -> dict[str, float]:
    """Measure a checkpoint on a split; metrics, predictions and figures go into the run directory.

    Of several runs their ensemble is measured, and what is found goes into a folder of its own.

    Args:
        config: a validated config of `seqlab eval`.

    Returns:
        The metrics of the split. They are merged into metrics.json, or, with another checkpoint
        than the best or other parts than the run's own, kept in a file named after those.

    Raises:
        UserError: there is no such checkpoint, the data is not that of the run, or several runs do
            not fit each other.
        KeyboardInterrupt: a signal asked to stop.
    """
    try:
        with StopRequest().installed():
            prepare_torch(threads=config.threads or sound_threads())
            saved = read_members(config)
            run_dir = place_of(config, saved)
            with logging_to(run_dir.path / "eval.log"):
                return _evaluate(config, saved, run_dir)
    except Interrupted:
        raise KeyboardInterrupt from None


def _evaluate(config: DictConfig, saved: list[Saved], run_dir: RunDir) -> dict[str, float]:
    first = saved[0].config
    exchange_parts(config, saved[0])
    if "num_figures" in first.task:
        first.task.num_figures = config.num_figures
    screen = Screen(quiet=not is_rank_zero())
    for each in saved:
        screen.line(f"{each.path}, step {each.steps}, on {config.split}")
    parts = reassemble(saved, data_dir=config.paths.data, with_data=True)
    attach(parts, Path(config.paths.cache), screen)
    progress = Progress(refresh_seconds=0.2, line_seconds=10.0, screen=screen)
    trainer = build(config.trainer, allow=config.allow).make(
        folder=run_dir.path,
        deterministic=first.deterministic,
        callbacks=[progress],
        loggers=[],
    )
    seed = first.seed
    found = evaluate_split(
        trainer, parts.task, parts.datamodule, config.split, seed=seed, checkpoint=None
    )
    if not found:
        screen.line(f"the {config.split} split is empty here: nothing was measured")
        return {}
    name = _name(config)
    answers = run_dir.predictions / f"{name}.jsonl"
    keep_predictions(trainer, parts.task, answers)
    if is_rank_zero():
        drawn = keep_figures(run_dir, parts.task, name)
        if name == config.split:
            metrics = run_dir.metrics
            run_dir.write_metrics({**run_dir.read_metrics(), **found})
        else:
            metrics = run_dir.path / f"metrics_{name}.json"
            atomic_write(metrics, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        several = f"ensemble of {len(saved)}, " if len(saved) > 1 else ""
        title = f"{several}{config.checkpoint} checkpoint, {config.split}"
        screen.metrics_table(found, title, parts.task.tables())
        screen.line(f"metrics are in {metrics}, predictions in {answers}")
        if drawn:
            screen.line(f"{len(drawn)} figures are in {run_dir.figures}")
    return numbers(found)


def _name(config: DictConfig) -> str:
    """The split, and what differs from the evaluation that a run ends with."""
    parts = [config.split]
    if config.checkpoint != "best":
        parts.append(Path(config.checkpoint).stem)
    parts += [config.choices.get(name, name) for name in PARTS if config[name] is not None]
    return "_".join(parts)
