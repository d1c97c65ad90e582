"""What an evaluation leaves behind: metrics, predictions, figures, samples in the loggers."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning import Trainer

from seqlab.run.loggers import RunLogger, Sample
from seqlab.run.processes import gather_bytes, is_rank_zero
from seqlab.run.random_state import seed_everything
from seqlab.run.rundir import RunDir, atomic_write
from seqlab.tasks.base import Task

NUM_SAMPLES = 8  # pictures that a logger is sent


def evaluate_split(
    trainer: Trainer, task: Task, datamodule: Any, split: str, *, seed: int, checkpoint: Path | None
) -> dict[str, Any]:
    """Metrics and signatures of a split; none where it is empty here.

    Args:
        trainer: a Trainer.
        task: the task; `predictions` are those of this split afterwards.
        datamodule: has a loader for the split.
        split: `test` or `val`.
        seed: of what decoding draws, so that the same weights always give the same numbers.
        checkpoint: whose weights are used; None for those the task has.
    """
    task.evaluated_split = split
    task.predictions = []
    seed_everything(seed)
    if split == "val":  # Lightning's test loop, in which a task keeps its predictions
        datamodule.test_dataloader = datamodule.val_dataloader
    found = trainer.test(task, datamodule=datamodule, ckpt_path=checkpoint, verbose=False)
    metrics: dict[str, Any] = {n: float(v) for each in found for n, v in each.items()}
    if metrics:
        metrics |= {f"{split}/{name}": text for name, text in task.signatures().items()}
    return metrics


def numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Metrics without signatures."""
    return {name: value for name, value in metrics.items() if not isinstance(value, str)}


def keep_predictions(trainer: Trainer, task: Task, path: Path) -> None:
    """Write what the task said of each example, one JSON object per line; all processes call it."""
    own = json.dumps(task.predictions, ensure_ascii=False).encode()
    shares = [json.loads(part) for part in gather_bytes(own, trainer.strategy.root_device)]
    # The last round of batches is filled up, so that some examples come twice.
    found = {each["id"]: each for share in shares for each in share}
    if is_rank_zero() and found:
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(each, ensure_ascii=False) for each in found.values()]
        atomic_write(path, "\n".join(lines) + "\n")


def keep_figures(run_dir: RunDir, task: Task, split: str) -> list[Path]:
    """Draw the training curves and what the task draws of its last evaluation."""
    from seqlab.viz.curves import training_curves  # matplotlib takes a second

    folder = run_dir.figures / split
    folder.mkdir(parents=True, exist_ok=True)
    drawn = task.draw(folder)
    if run_dir.metrics_csv.exists():
        curves = run_dir.figures / "curves.png"
        try:
            training_curves(run_dir.metrics_csv, curves)
        except ValueError:  # no step was logged yet
            return drawn
        drawn.append(curves)
    return drawn


def log_samples(
    loggers: Sequence[RunLogger], task: Task, datamodule: Any, split: str, step: int
) -> None:
    """Send some pictures with what the task said of them to the loggers that show pictures."""
    if not hasattr(datamodule, "image"):
        return
    samples: list[Sample] = []
    for each in task.predictions[:NUM_SAMPLES]:
        text = next((v for k, v in each.items() if k != "id" and isinstance(v, str)), "")
        picture = datamodule.image(each["id"]).permute(1, 2, 0).numpy()  # [height, width, 3]
        samples.append((picture, text))
    for logger in loggers:
        if samples:
            logger.log_samples(f"{split}/samples", samples, step)
