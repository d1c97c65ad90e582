"""Where the jobs of a sweep run: processes of this machine, or a cluster through submitit."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import psutil

from seqlab.config.errors import Problem, UserError
from seqlab.run.sweep_jobs import Job

_POLL_SECONDS = 0.5


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
    """

    def __init__(self, *, n_jobs: int) -> None:
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
        process = _spawn(job.command(self.threads), job.log, environment)
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


class SubmititLauncher:
    """Jobs of a cluster, or of this machine in the same way, through submitit.

    A job that Slurm ends for its time or for a more urgent one saves a checkpoint, is queued again
    and goes on.

    Args:
        sweep_dir: where the sweep is kept, which all nodes have to see; submitit's files go below.
        cluster: `slurm` or `local`.
        time: limit of a job in minutes.
        nodes: machines of a job.
        tasks_per_node: processes of a job on a machine; for DDP as many as GPUs.
        gpus: per machine.
        cpus: per task.
        memory: per machine in GB; null leaves it to the cluster.
        partition: of Slurm.
        account: of Slurm.
        qos: of Slurm.
        constraint: of Slurm, for instance a kind of GPU.
        setup: shell lines that run before the job.
        options: any other option of sbatch, name without dashes: value.
    """

    def __init__(
        self,
        *,
        sweep_dir: Path,
        cluster: str,
        time: int,
        nodes: int,
        tasks_per_node: int,
        gpus: int,
        cpus: int,
        memory: float | None,
        partition: str | None,
        account: str | None,
        qos: str | None,
        constraint: str | None,
        setup: list[str],
        options: dict[str, Any],
    ) -> None:
        submitit = _import_submitit()
        try:
            self.executor = submitit.AutoExecutor(
                folder=sweep_dir / "submitit" / "%j", cluster=cluster
            )
        except RuntimeError as error:  # no sbatch or srun on this machine
            message = f"{str(error).strip()}: start the sweep where Slurm's commands are"
            raise UserError([Problem(key="launcher", message=message)]) from error
        slurm = {
            "slurm_partition": partition,
            "slurm_account": account,
            "slurm_qos": qos,
            "slurm_constraint": constraint,
            "slurm_setup": setup or None,
            "slurm_additional_parameters": options or None,
        }
        given = {"mem_gb": memory, **slurm}
        self.executor.update_parameters(
            timeout_min=time,
            nodes=nodes,
            tasks_per_node=tasks_per_node,
            gpus_per_node=gpus,
            cpus_per_task=cpus,
            **{name: value for name, value in given.items() if value is not None},
        )

    def start(self, job: Job, slot: int) -> "SubmititHandle":
        """Hand a job to the cluster."""
        stop_file = job.sweep_dir / f"{job.id}.stop"
        stop_file.unlink(missing_ok=True)
        with _unreached_by_ctrl_c():
            return SubmititHandle(self.executor.submit(ClusterRun(job, stop_file)), stop_file)


class SubmititHandle:
    """A job on the cluster.

    Args:
        job: submitit's.
        stop_file: its appearance tells the job to end: signals do not reach other machines, and
            those of submitit end a job at once.
    """

    def __init__(self, job: Any, stop_file: Path) -> None:
        self.job = job
        self.stop_file = stop_file

    def poll(self) -> int | None:
        """The exit status; 1 where the cluster ended the job, whose words go into its log."""
        if not self.job.done():
            return None
        error = self.job.exception()
        if error is None:
            return max(abs(int(status)) for status in self.job.results())
        with self.stop_file.with_suffix(".log").open("a", encoding="utf-8") as log:
            log.write(f"\n{str(error).strip()}\n")
        return 1

    def stop(self) -> None:
        """Ask the job to save and end; take it from the queue where it still waits."""
        self.stop_file.touch()
        if self.job.state == "PENDING":
            self.job.cancel(check=False)

    def kill(self) -> None:
        """Cancel it."""
        self.stop_file.touch()
        self.job.cancel(check=False)


class ClusterRun:
    """What a node does: run the job as a child process, end it when asked, queue it again.

    Args:
        job: what to run.
        stop_file: its appearance ends the job.
    """

    def __init__(self, job: Job, stop_file: Path) -> None:
        self.job = job
        self.stop_file = stop_file
        self.process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> int:
        """Run to the end and give the exit status."""
        rank = _import_submitit().JobEnvironment().global_rank
        log = self.job.log if rank == 0 else self.job.log.with_suffix(f".rank{rank}.log")
        process = _spawn(self.job.command(), log, os.environ)
        self.process = process
        asked = False
        while process.poll() is None:
            if self.stop_file.exists() and not asked:
                asked = True
                process.send_signal(signal.SIGTERM)
            time.sleep(_POLL_SECONDS)
        return process.returncode

    def checkpoint(self) -> Any:
        """Called by submitit before the cluster ends the job: save, and go on in a new one."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
        fresh = ClusterRun(self.job, self.stop_file)
        return _import_submitit().helpers.DelayedSubmission(fresh)


def _import_submitit() -> Any:
    try:
        import submitit
    except ImportError as error:
        message = "needs submitit: pip install 'seqlab[slurm]'"
        raise UserError([Problem(key="launcher", message=message)]) from error
    return submitit


def _spawn(
    command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """A child that leads a process group, so that Ctrl-C in the terminal does not reach it."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
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


@contextlib.contextmanager
def _unreached_by_ctrl_c() -> Iterator[None]:
    """Children started inside inherit a SIGINT that is ignored: the sweep alone ends them."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
