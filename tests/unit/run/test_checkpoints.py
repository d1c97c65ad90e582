"""Checkpoint files: whole or not at all, and no code in them."""

import errno
import os
import pickle
import resource
from pathlib import Path
from typing import Any

import pytest
import torch

from seqlab.run.checkpoints import (
    AtomicCheckpointIO,
    CheckpointReadError,
    CheckpointWriteError,
    Record,
    load_checkpoint,
    read_record,
)

RECORD = Record(config={"seed": 1}, spec="{}", spec_type="a.B", versions={"torch": "2"})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "last.ckpt"
    content = {"state_dict": {"w": torch.arange(3.0)}, "seqlab": RECORD.to_json()}
    AtomicCheckpointIO().save_checkpoint(content, path)
    loaded = AtomicCheckpointIO().load_checkpoint(path, weights_only=False)
    assert torch.equal(loaded["state_dict"]["w"], torch.arange(3.0))
    assert read_record(loaded, path) == RECORD


def test_a_full_disk_loses_no_earlier_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    writer = AtomicCheckpointIO()
    writer.save_checkpoint({"w": torch.ones(10)}, path)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))  # the kernel refuses the rest
    try:
        with pytest.raises(CheckpointWriteError, match=r"the disk is full .* is whole"):
            writer.save_checkpoint({"w": torch.ones(1_000_000)}, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_failing_rename_loses_no_earlier_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"w": 1}, path)

    def fail(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(CheckpointWriteError, match="No space left"):
        AtomicCheckpointIO().save_checkpoint({"w": 2}, path)
    assert load_checkpoint(path) == {"w": 1}
    assert list(tmp_path.iterdir()) == [path]


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch evil",)


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"seqlab": RECORD.to_json(), "state_dict": Evil()}, "evil.ckpt")
    Path("old.ckpt").write_bytes(pickle.dumps(Evil()))
    for name in ("evil.ckpt", "old.ckpt"):
        with pytest.raises(CheckpointReadError, match="holds more than tensors and plain values"):
            load_checkpoint(Path(name))
        with pytest.raises(CheckpointReadError):
            AtomicCheckpointIO().load_checkpoint(name, weights_only=False)
    assert not Path("evil").exists()


@pytest.mark.parametrize("kept", [0, 10, 500])
def test_a_damaged_file_is_named(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "last.ckpt"
    torch.save({"w": torch.ones(1000)}, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointReadError, match=r"last\.ckpt cannot be read: it is damaged"):
        load_checkpoint(path)


def test_what_others_wrote_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointReadError, match="was not written by seqlab"):
        read_record({"state_dict": {}}, tmp_path)
    newer = RECORD.to_json().replace('"format": 1', '"format": 2')
    with pytest.raises(CheckpointReadError, match="format 2, this version reads 1"):
        read_record({"seqlab": newer}, tmp_path)
    with pytest.raises(CheckpointReadError, match="there is no checkpoint"):
        load_checkpoint(tmp_path / "none.ckpt")
