"""Checkpoint files: written whole or not at all, read without running what is in them."""

import errno
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import CheckpointIO

from seqlab.run.rundir import atomic_file

FORMAT = 1
RECORD_KEY = "seqlab"


class CheckpointWriteError(RuntimeError):
    """A checkpoint could not be written; the one before it is whole."""


class CheckpointReadError(RuntimeError):
    """A file is no checkpoint of this program, or a damaged one."""


@dataclass(frozen=True)
class Record:
    """What a checkpoint says of itself, kept in it as JSON text.

    Args:
        config: the resolved config of the run.
        spec: what the data says of itself, as its own JSON text.
        spec_type: dotted name of the spec's class.
        versions: packages that made it.
        format: version of this layout.
    """

    config: dict[str, Any]
    spec: str
    spec_type: str
    versions: dict[str, str]
    format: int = FORMAT

    def to_json(self) -> str:
        """The record as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Record":
        """The record that `to_json` wrote.

        Raises:
            ValueError: it has another format.
        """
        values = json.loads(text)
        if values.get("format") != FORMAT:
            raise ValueError(f"format {values.get('format')}, this version reads {FORMAT}")
        return cls(**values)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint, on the CPU.

    Raises:
        CheckpointReadError: there is no such file, or it holds anything but tensors and plain
            values, or it is damaged.
    """
    if not path.is_file():
        raise CheckpointReadError(f"there is no checkpoint {path}")
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds, none of which says what to do
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointReadError(
            f"{path} cannot be read: it is damaged, or holds more than tensors and plain values "
            f"({reason})"
        ) from error
    return content


def read_record(content: dict[str, Any], path: Path) -> Record:
    """What a checkpoint says of itself.

    Raises:
        CheckpointReadError: it was not written by this program, or by another version of it.
    """
    if not isinstance(content, dict) or RECORD_KEY not in content:
        raise CheckpointReadError(f"{path} was not written by seqlab: it says nothing of its run")
    try:
        return Record.from_json(content[RECORD_KEY])
    except (ValueError, TypeError) as error:
        raise CheckpointReadError(f"{path} has another layout: {error}") from error


class AtomicCheckpointIO(CheckpointIO):
    """Lightning's way to files: atomic, and never unpickling code."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint.

        Raises:
            CheckpointWriteError: the disk is full or the folder cannot be written.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with atomic_file(path) as file:
                torch.save(checkpoint, file)
        except (OSError, RuntimeError) as error:  # torch's writer wraps what the disk says
            raise CheckpointWriteError(_explain(error, path)) from error

    def load_checkpoint(
        self, path: Any, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint as weights only, whatever is asked for."""
        return load_checkpoint(Path(path))

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a checkpoint that is there."""
        Path(path).unlink(missing_ok=True)


def _explain(error: BaseException, path: Path) -> str:
    """Why a file was not written, and what is left."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    reason = str(error)
    if isinstance(cause, OSError):
        full = cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        reason = f"the disk is full ({cause.strerror})" if full else str(cause.strerror or cause)
    kept = (
        f"the checkpoint before it is whole ({path})"
        if path.exists()
        else "there was none before it"
    )
    return f"{path.name} could not be written: {reason}; {kept}"
