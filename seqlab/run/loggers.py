"""Where metrics go while a run goes on: metrics.csv, Weights & Biases, TensorBoard."""

import csv
import io
import math
import os
import secrets
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from seqlab.run.rundir import RunDir, atomic_write

Sample = tuple[np.ndarray, str]
"""A picture [height, width, 3] with values in [0, 1] or 0 to 255, and its text."""


class RunLogger(Logger):
    """What the loggers of a run share; they name nothing themselves.

    Args:
        run_dir: the run that is logged.
    """

    def __init__(self, *, run_dir: RunDir) -> None:
        super().__init__()
        self.run_dir = run_dir

    @property
    def name(self) -> str:
        return self.run_dir.path.parent.name

    @property
    def version(self) -> str:
        return self.run_dir.path.name

    @property
    def log_dir(self) -> str:
        return str(self.run_dir.path)

    @rank_zero_only
    def log_hyperparams(
        self, params: dict[str, Any] | Namespace, *arguments: Any, **more: Any
    ) -> None:
        """Nothing: config.yaml has it."""

    def log_samples(self, name: str, samples: Sequence[Sample], step: int) -> None:
        """Keep pictures with their texts, where there is a place for them."""

    def close(self, exit_code: int) -> None:
        """End, once fit and test are over; Lightning's `finalize` comes after each."""


def place(metrics: dict[str, Any], step: int | None) -> dict[str, int]:
    """Steps done and the epoch, counted from 1, that metrics belong to.

    Lightning logs what belongs to a step, and the validation after it, before it counts them.
    """
    ahead = any(name.startswith(("train/", "val/")) for name in metrics)
    return {"step": (step or 0) + ahead, "epoch": int(metrics.get("epoch", 0)) + ahead}


class CsvLogger(RunLogger):
    """Writes metrics.csv: a row for each logged step, a column for each metric as it turns up.

    The file is rewritten as a whole, so that who reads it while the run goes on never sees half a
    row, and so that a resumed run can drop what was logged after its checkpoint.

    Args:
        run_dir: the run that is logged.
        flush_seconds: how old the file may get; a validation is written at once.
    """

    def __init__(self, *, run_dir: RunDir, flush_seconds: float) -> None:
        super().__init__(run_dir=run_dir)
        self.flush_seconds = flush_seconds
        self.rows: list[dict[str, str]] = []
        self._written = -1  # rows that the file holds
        self._written_at = -math.inf

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, Any], step: int | None = None) -> None:
        """Add a row."""
        values = {name: value for name, value in metrics.items() if name != "epoch"}
        row = {name: str(value) for name, value in place(metrics, step).items()}
        self.rows.append(row | {name: repr(float(value)) for name, value in values.items()})
        evaluated = any(not name.startswith("train/") for name in values)
        if evaluated or time.monotonic() - self._written_at > self.flush_seconds:
            self.flush()

    @rank_zero_only
    def flush(self) -> int:
        """Write the file; the number of rows it holds."""
        if self._written != len(self.rows):
            columns = list(dict.fromkeys(["step", "epoch", *(n for row in self.rows for n in row)]))
            text = io.StringIO()
            writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)
            atomic_write(self.run_dir.metrics_csv, text.getvalue())
            self._written = len(self.rows)
        self._written_at = time.monotonic()
        return len(self.rows)

    @rank_zero_only
    def keep_rows(self, count: int) -> None:
        """Go on with the first rows of the file; those after them are forgotten."""
        self.rows = read_rows(self.run_dir.metrics_csv)[:count]
        if len(self.rows) < count:
            raise RuntimeError(
                f"{self.run_dir.metrics_csv} has {len(self.rows)} rows and its checkpoint says "
                f"{count}: it was cut or replaced"
            )
        self._written = -1
        self.flush()

    @rank_zero_only
    def finalize(self, status: str) -> None:
        self.flush()


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a metrics.csv, each with the columns that are not empty."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [{k: v for k, v in row.items() if v != ""} for row in csv.DictReader(file)]


class WandbLogger(RunLogger):
    """Logs to Weights & Biases: offline, below the run directory, unless the user is logged in.

    A resumed run goes on in the same run there.

    Args:
        run_dir: the run that is logged.
        config: the resolved config, kept with the run.
        project: where the run is filed.
        entity: user or team; null is the user's own default.
        tags: words to find the run by.
    """

    def __init__(
        self,
        *,
        run_dir: RunDir,
        config: dict[str, Any],
        project: str,
        entity: str | None,
        tags: list[str],
    ) -> None:
        super().__init__(run_dir=run_dir)
        self.config, self.project, self.entity, self.tags = config, project, entity, tags
        self._run: Any = None

    def _begun(self) -> Any:
        """The run of wandb, begun when it is first asked for."""
        if self._run is None:
            import wandb

            self._run = wandb.init(
                project=self.project,
                entity=self.entity,
                tags=self.tags,
                config=self.config,
                name="/".join(self.run_dir.path.parts[-3:]),
                dir=self.run_dir.path,
                mode=wandb_mode(),
                id=self._id(),
                resume="allow",
                settings=wandb.Settings(silent=True),
            )
            self._run.define_metric("step")
            self._run.define_metric("*", step_metric="step")
        return self._run

    def _id(self) -> str:
        """The same in every resumption; kept in the run directory."""
        kept = self.run_dir.path / "wandb_id.txt"
        if not kept.exists():
            atomic_write(kept, secrets.token_hex(4))
        return kept.read_text()

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, Any], step: int | None = None) -> None:
        self._begun().log({**metrics, **place(metrics, step)})

    @rank_zero_only
    def log_samples(self, name: str, samples: Sequence[Sample], step: int) -> None:
        import wandb

        images = [wandb.Image(picture, caption=text) for picture, text in samples]
        self._begun().log({name: images, "step": step})

    @rank_zero_only
    def close(self, exit_code: int) -> None:
        if self._run is not None:
            self._run.finish(exit_code=exit_code)
            self._run = None


def wandb_mode() -> Any:
    """What WANDB_MODE says; else online where the user is logged in, else offline."""
    mode = os.environ.get("WANDB_MODE")
    if mode:
        return mode
    import wandb

    return "online" if wandb.api.api_key else "offline"


class TensorBoardLogger(RunLogger):
    """Logs to TensorBoard, into the run directory.

    Args:
        run_dir: the run that is logged.
        flush_seconds: how long events may wait in memory.
    """

    def __init__(self, *, run_dir: RunDir, flush_seconds: int) -> None:
        super().__init__(run_dir=run_dir)
        self.flush_seconds = flush_seconds
        self._writer: Any = None

    def _begun(self) -> Any:
        """The writer of events, made when it is first asked for."""
        if self._writer is None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                raise ImportError("logger=tensorboard needs pip install seqlab[tensorboard]") from (
                    error
                )
            folder = self.run_dir.path / "tensorboard"
            self._writer = SummaryWriter(folder, flush_secs=self.flush_seconds)
        return self._writer

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, Any], step: int | None = None) -> None:
        where = place(metrics, step)
        for name, value in (metrics | where).items():
            if name != "step":
                self._begun().add_scalar(name, value, where["step"])

    @rank_zero_only
    def log_samples(self, name: str, samples: Sequence[Sample], step: int) -> None:
        for index, (picture, text) in enumerate(samples):
            self._begun().add_image(f"{name}/{index}", picture, step, dataformats="HWC")
            self._begun().add_text(f"{name}/{index}", text, step)

    @rank_zero_only
    def close(self, exit_code: int) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
