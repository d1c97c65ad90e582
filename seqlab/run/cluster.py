"""The jobs of a sweep on a cluster, through submitit."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seqlab.config.errors import Problem, UserError
from seqlab.run.launchers import spawn
from seqlab.run.sweep_jobs import Job

_POLL_SECONDS = 0.5


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
        process = self.start(_import_submitit().JobEnvironment().global_rank)
        asked = False
        while process.poll() is None:
            if self.stop_file.exists() and not asked:
                asked = True
                process.send_signal(signal.SIGTERM)
            time.sleep(_POLL_SECONDS)
        return process.returncode

    def start(self, rank: int = 0) -> "subprocess.Popen[bytes]":
        """Start the child process of a rank; only the first writes into the job's own log."""
        log = self.job.log if rank == 0 else self.job.log.with_suffix(f".rank{rank}.log")
        self.process = spawn(self.job.command(), log, os.environ)
        return self.process

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


@contextlib.contextmanager
def _unreached_by_ctrl_c() -> Iterator[None]:
    """Children started inside inherit a SIGINT that is ignored: the sweep alone ends them."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
