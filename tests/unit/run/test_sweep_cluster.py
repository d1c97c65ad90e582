"""Slurm without a cluster: stand-ins for its commands run what they are given on this machine."""

import os
import stat
import sys
import time
from pathlib import Path

import pytest

from seqlab.config.errors import UserError
from seqlab.run.cluster import ClusterRun, SubmititLauncher
from seqlab.run.sweep_jobs import Job

FAKE = (sys.executable, str(Path(__file__).with_name("sweep_fake_train.py")))

SBATCH = """#!{python}
import os, subprocess, sys
os.chdir({folder!r})
environment = {{**os.environ, "SLURM_JOB_ID": "17", "SLURM_NTASKS": "1", "SLURM_PROCID": "0",
                "SLURM_JOB_NUM_NODES": "1", "SLURM_NODEID": "0", "SLURM_LOCALID": "0",
                "SLURM_JOB_NODELIST": "here"}}
open("submitted.sh", "w").write(open(sys.argv[-1]).read())
nowhere = {{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}}
subprocess.Popen(["bash", sys.argv[-1]], env=environment, **nowhere)
print("Submitted batch job 17")
"""
SRUN = """#!{python}
import os, sys
command = sys.argv[sys.argv.index({python!r}):]
os.execv(command[0], command)
"""
SACCT = """#!{python}
print("JobID|State|NodeList")
print("17|RUNNING|here")
"""


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the stand-ins, first on the PATH; what sbatch was given lies in it."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name, text in {"sbatch": SBATCH, "srun": SRUN, "sacct": SACCT}.items():
        path = folder / name
        path.write_text(text.format(python=sys.executable, folder=str(folder)))
        path.chmod(path.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def launcher(sweep_dir: Path, **changes: object) -> SubmititLauncher:
    values = {
        "cluster": "slurm",
        "time": 90,
        "nodes": 1,
        "tasks_per_node": 1,
        "gpus": 4,
        "cpus": 8,
        "memory": 32,
        "partition": "long",
        "account": "lab",
        "qos": None,
        "constraint": "h100",
        "setup": ["module load cuda"],
        "options": {"licenses": "matlab"},
    }
    return SubmititLauncher(sweep_dir=sweep_dir, **{**values, **changes})


def test_slurm_gets_what_was_asked_for_and_runs_the_job(tmp_path: Path, slurm: Path) -> None:
    job = Job(("lr=3",), {"lr": "3"}, tmp_path / "sweep", FAKE)
    handle = launcher(job.sweep_dir).start(job, slot=0)
    deadline = time.monotonic() + 60
    while (status := handle.poll()) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert status == 0
    assert job.is_done()
    lines = (slurm / "submitted.sh").read_text().splitlines()
    expected = {
        "time": "90",
        "nodes": "1",
        "ntasks-per-node": "1",
        "gpus-per-node": "4",
        "cpus-per-task": "8",
        "mem": "32GB",
        "partition": "long",
        "account": "lab",
        "constraint": "h100",
        "licenses": "matlab",
    }
    for name, value in expected.items():
        assert f"#SBATCH --{name}={value}" in lines
    assert "module load cuda" in lines
    assert not any("qos" in line for line in lines)


def test_a_machine_without_slurm_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="Slurm"):
        launcher(tmp_path)


def test_without_submitit_the_error_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UserError, match=r"seqlab\[slurm\]"):
        launcher(tmp_path)


def test_before_its_time_is_up_a_job_saves_and_is_queued_again(tmp_path: Path) -> None:
    job = Job(("epochs=99", "seconds=0.1"), {}, tmp_path, FAKE)
    run = ClusterRun(job, tmp_path / "stop")
    run.start()
    deadline = time.monotonic() + 30
    while not (job.directory / "metrics.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    again = run.checkpoint()
    assert (job.directory / "saved").exists()
    assert again.function.job.command()[-1] == f"resume={job.directory}"
