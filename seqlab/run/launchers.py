"""What starts the jobs of a sweep, and the launcher that does so on this machine."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import psutil

from seqlab.run.sweep_jobs import COMMAND_MARK, Job


class Handle(Protocol):
    """A job that has been started."""

    def poll(self) -> int | None:
        """Its exit status, or None while it runs or waits for a place on the cluster."""

    def stop(self) -> None:
        """Ask it to save a checkpoint and end."""

    def kill(self) -> None:
        """End it at once."""


class Launcher(Protocol):
    """Starts jobs."""

    def start(self, job: Job, slot: int) -> Handle:
        """Start a job.

        Args:
            job: what to run.
            slot: a number below the number of jobs at once that no running job has.
        """


class LocalLauncher:
    """Child processes of this machine, which share its cores and GPUs evenly.

    Args:
        n_jobs: jobs at once.
        in_view: whether jobs print where this process does, and not into their logs.
    """

    def __init__(self, *, n_jobs: int, in_view: bool) -> None:
        self.in_view = in_view
        # Imports torch, which a node of a cluster is spared by this module.
        from seqlab.run.environment import available_cores

        # A single job keeps the run's own default.
        self.threads = max(1, available_cores() // n_jobs) if n_jobs > 1 else None
        self.devices = _split_gpus(n_jobs) if n_jobs > 1 else []

    def start(self, job: Job, slot: int) -> "LocalHandle":
        """Start a child process in a group of its own."""
        job.sweep_dir.mkdir(parents=True, exist_ok=True)
        pid_file = job.sweep_dir / f"{job.id}.pid"
        _end_orphan(pid_file)
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        if self.devices:
            environment["CUDA_VISIBLE_DEVICES"] = self.devices[slot % len(self.devices)]
        log = None if self.in_view else job.log
        process = spawn(job.command(self.threads), log, environment)
        with contextlib.suppress(psutil.NoSuchProcess):
            created = psutil.Process(process.pid).create_time()
            pid_file.write_text(json.dumps({"pid": process.pid, "created": created}))
        return LocalHandle(process, pid_file)


class LocalHandle:
    """A child process and all that it starts.

    Args:
        process: the child, which leads its process group.
        pid_file: says to a later sweep process which child may have outlived this one.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", pid_file: Path) -> None:
        self.process = process
        self.pid_file = pid_file

    def poll(self) -> int | None:
        """The exit status, once there is one."""
        status = self.process.poll()
        if status is not None and self.pid_file.exists():
            _kill_group(self.process.pid)  # ranks or data workers that outlived their parent
            self.pid_file.unlink()
        return status

    def stop(self) -> None:
        """SIGTERM to the run alone: its data workers have to finish the batch with it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the whole group."""
        _kill_group(self.process.pid)
        self.process.wait()
        self.pid_file.unlink(missing_ok=True)


def spawn(
    command: Sequence[str], log: Path | None, environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """A child that leads a process group, so that Ctrl-C in the terminal does not reach it.

    Args:
        command: its words.
        log: the file that its output is added to; None leaves it where this process prints.
        environment: its variables.
    """
    with contextlib.ExitStack() as stack:
        output = None
        if log is not None:
            output = stack.enter_context(log.open("ab"))
            output.write(f"{COMMAND_MARK}{shlex.join(command)}\n".encode())
            output.flush()
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _end_orphan(pid_file: Path, patience: float = 30.0) -> None:
    """End the child of a sweep process that was itself killed; it saves a checkpoint first."""
    if not pid_file.exists():
        return
    with contextlib.suppress(psutil.NoSuchProcess, ValueError, KeyError):
        known = json.loads(pid_file.read_text())
        process = psutil.Process(known["pid"])
        if process.create_time() == known["created"]:
            process.terminate()
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(patience)
            _kill_group(known["pid"])
    pid_file.unlink()


def _split_gpus(n_jobs: int) -> list[str]:
    """CUDA_VISIBLE_DEVICES of each job at once; empty where there is one GPU or none."""
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = torch.cuda.device_count()
    names = visible.split(",") if visible else [str(i) for i in range(count)]
    if len(names) < 2 or count < 2:
        return []
    share = max(1, len(names) // n_jobs)
    return [",".join(names[i : i + share]) for i in range(0, len(names) - share + 1, share)]
