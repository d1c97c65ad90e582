"""The folder of a run: what lies where, written whole or not at all, used by one process."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import psutil


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write that becomes `path` at the end, or leaves no trace where writing fails."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 (tests make exactly this call fail)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)  # of a full disk: what is not there now
        raise
    folder = os.open(path.parent, os.O_RDONLY)  # the rename itself must survive a power cut
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def atomic_write(path: Path, content: bytes | str) -> None:
    """Write a file whole: a reader sees the old content or the new, never a part."""
    with atomic_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


class RunDirInUseError(RuntimeError):
    """Another process works in this run directory."""


@dataclass(frozen=True)
class RunDir:
    """What lies where in the folder of a run.

    Args:
        path: the folder.
    """

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def overrides(self) -> Path:
        return self.path / "overrides.txt"

    @property
    def environment(self) -> Path:
        return self.path / "env.json"

    @property
    def best(self) -> Path:
        return self.path / "checkpoints" / "best.ckpt"

    @property
    def last(self) -> Path:
        return self.path / "checkpoints" / "last.ckpt"

    @property
    def metrics_csv(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.json"

    @property
    def predictions(self) -> Path:
        return self.path / "predictions"

    @property
    def figures(self) -> Path:
        return self.path / "figures"

    @property
    def log(self) -> Path:
        return self.path / "train.log"

    def log_of(self, rank: int) -> Path:
        """The log of one of several processes."""
        return self.log if rank == 0 else self.path / f"train_{rank}.log"

    @property
    def done(self) -> Path:
        return self.path / "DONE"

    @property
    def lock(self) -> Path:
        return self.path / ".lock"

    def create(self) -> None:
        """Make the folders that are missing."""
        for folder in (self.path, self.best.parent, self.predictions, self.figures):
            folder.mkdir(parents=True, exist_ok=True)

    def read_metrics(self) -> dict[str, Any]:
        """The final metrics; none before the run is done."""
        if not self.metrics.exists():
            return {}
        metrics: dict[str, Any] = json.loads(self.metrics.read_text())
        return metrics

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Write the final metrics, one flat object."""
        atomic_write(self.metrics, json.dumps(metrics, indent=1, ensure_ascii=False) + "\n")

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Use the folder alone.

        Raises:
            RunDirInUseError: where a living process uses it already.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        try:
            for folder in (self.path, self.best.parent):
                for left in folder.glob(".*.tmp"):  # of a process that was killed while it wrote
                    left.unlink(missing_ok=True)
            yield
        finally:
            self.lock.unlink(missing_ok=True)

    def _take_lock(self) -> None:
        process = psutil.Process()
        holder = {
            "pid": process.pid,
            "started": process.create_time(),
            "host": socket.gethostname(),
        }
        while True:
            try:
                with self.lock.open("x") as file:
                    json.dump(holder, file)
                return
            except FileExistsError:
                self._refuse_if_alive()
                self.lock.unlink(missing_ok=True)

    def _refuse_if_alive(self) -> None:
        try:
            holder = json.loads(self.lock.read_text())
        except FileNotFoundError:
            return
        except ValueError:
            # Either being written at this moment, or by a process killed before it had written.
            if time.time() - self.lock.stat().st_mtime < 1:
                raise RunDirInUseError(f"another process has just started in {self.path}") from None
            return
        if holder["host"] != socket.gethostname():
            raise RunDirInUseError(
                f"{self.path} is in use by process {holder['pid']} on {holder['host']}; if that "
                f"process is gone, remove {self.lock}"
            )
        if _is_alive(holder["pid"], holder["started"]):
            raise RunDirInUseError(f"{self.path} is in use by process {holder['pid']}")


def _is_alive(pid: int, started: float) -> bool:
    """Whether this very process still runs; a number is given again to others."""
    try:
        process = psutil.Process(pid)
        same = bool(abs(process.create_time() - started) < 1)
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def new_run_dir(runs: Path, task: str, model: str) -> RunDir:
    """Make a folder runs/<task>/<model>/<time> that no other run has.

    Processes that a cluster's launcher starts side by side find the same one by the job's id.
    """
    job = os.environ.get("TORCHELASTIC_RUN_ID") or (
        os.environ.get("SLURM_JOB_ID") if int(os.environ.get("SLURM_NTASKS", "1")) > 1 else None
    )
    parent = runs / task / model
    if job:
        run_dir = RunDir(parent / f"job-{job}")
        run_dir.path.mkdir(parents=True, exist_ok=True)
        return run_dir
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S")
    parent.mkdir(parents=True, exist_ok=True)
    attempt = 1
    while True:
        path = parent / (stamp if attempt == 1 else f"{stamp}_{attempt}")
        try:
            path.mkdir()
            return RunDir(path)
        except FileExistsError:
            attempt += 1
