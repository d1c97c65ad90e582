"""Files written whole or not at all, and a folder used by one process."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqlab.run.rundir import RunDir, RunDirInUseError, atomic_write, new_run_dir


def full(*arguments: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_failed_write_leaves_the_old_content_and_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "metrics.json"
    atomic_write(path, "old")
    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match=r"No space left.*metrics\.json"):
        atomic_write(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_text_and_bytes(tmp_path: Path) -> None:
    atomic_write(tmp_path / "a", "Zürich")
    atomic_write(tmp_path / "a", b"\x00\x01")
    assert (tmp_path / "a").read_bytes() == b"\x00\x01"


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path / "run")
    with run_dir.claimed():
        with pytest.raises(RunDirInUseError, match=f"in use by process {os.getpid()}"):
            run_dir._take_lock()
        assert run_dir.lock.exists()
    assert not run_dir.lock.exists()


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom seqlab.run.rundir import RunDir\n"
        "with RunDir(Path(sys.argv[1])).claimed():\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run_dir = RunDir(tmp_path / "run")
    assert subprocess.run([sys.executable, "-c", script, str(run_dir.path)]).returncode == -9
    assert run_dir.lock.exists()
    run_dir.best.parent.mkdir()
    half_written = run_dir.best.parent / ".last.ckpt.123.tmp"
    half_written.touch()
    with run_dir.claimed():
        assert json.loads(run_dir.lock.read_text())["pid"] == os.getpid()
        assert not half_written.exists()


def test_a_number_given_to_another_process_is_not_the_holder(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path)
    with run_dir.claimed():
        holder = json.loads(run_dir.lock.read_text())
    run_dir.lock.write_text(json.dumps({**holder, "started": holder["started"] - 1000}))
    with run_dir.claimed():
        pass


def test_the_lock_of_another_machine_is_left(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path)
    run_dir.lock.write_text(json.dumps({"pid": 1, "started": 0.0, "host": "elsewhere"}))
    with pytest.raises(RunDirInUseError, match="on elsewhere"), run_dir.claimed():
        pass
    assert run_dir.lock.exists()


def test_two_runs_of_one_second_have_two_folders(tmp_path: Path) -> None:
    found = {new_run_dir(tmp_path, "captioning", "show_tell").path for _ in range(3)}
    assert len(found) == 3
    assert {path.parent for path in found} == {tmp_path / "captioning" / "show_tell"}


def test_processes_of_one_job_share_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "42")
    monkeypatch.setenv("SLURM_NTASKS", "2")
    found = {new_run_dir(tmp_path, "captioning", "show_tell").path for _ in range(2)}
    assert found == {tmp_path / "captioning" / "show_tell" / "job-42"}
