"""Features of a frozen backbone, computed once, kept in half precision and shared between runs."""

import fcntl
import hashlib
import io
import json
import logging
import os
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from seqlab.components.backbones.interface import Backbone
from seqlab.data.errors import LIMIT, DataError
from seqlab.data.images import num_threads
from seqlab.data.sources import Images

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]  # told how many are done, and of how many

_BATCH = 32  # pictures per forward pass
_CHUNK = 1 << 24  # bytes


class KeptFeatures:
    """Feature maps [D, h, w] by number, in half precision, read from a file all processes share.

    Args:
        path: an .npy file, [N, D, h, w] in half precision.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._array = np.load(path, mmap_mode="r", allow_pickle=False)

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, index: int) -> Tensor:
        return torch.from_numpy(np.array(self._array[index]))

    def __getstate__(self) -> dict[str, Any]:
        # A worker maps the file itself; pickled, the array would be sent whole.
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["path"])  # type: ignore[misc]


def key_of(backbone: Backbone, transform: str, images: Images) -> str:
    """A name for features: equal where weights, transform and pictures are equal.

    Args:
        backbone: what computes them.
        transform: what happens to a picture before.
        images: the pictures, in their order.
    """
    parts = ["1", backbone.fingerprint(), transform, images.fingerprint()]  # 1: this file's format
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def keep(
    backbone: Backbone,
    images: Images,
    transform: Callable[[Tensor], Tensor],
    path: Path,
    *,
    device: torch.device,
    on_progress: Progress | None = None,
) -> KeptFeatures:
    """The features in `path`, computed now unless they lie there whole.

    Args:
        backbone: frozen.
        images: at least one.
        transform: from bytes [3, height, width] to the picture that the backbone takes.
        path: where they are kept, an .npy file; what proves it whole lies beside it.
        device: where the backbone runs.
        on_progress: told how many pictures are done, and of how many.

    Raises:
        DataError: pictures cannot be read; it lists them.
        OSError: there is no room; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.with_suffix(".lock")):
        if not _is_whole(path, len(images)):
            batches = _compute(backbone, images, transform, device, on_progress)
            _write(path, batches, len(images))
    return KeptFeatures(path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone among processes; the lock goes when its holder does, however it ends."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("another run is computing these features; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _record(path: Path) -> Path:
    return path.with_suffix(".json")


def _is_whole(path: Path, count: int) -> bool:
    """Whether a file is there and is, byte for byte, what was written for so many pictures."""
    if not path.exists():
        return False
    try:
        recorded = json.loads(_record(path).read_text())
        with path.open("rb") as file:
            whole = (
                recorded["images"] == count
                and recorded["bytes"] == path.stat().st_size
                and recorded["crc32"] == _checksum(file)
            )
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s has no record that it is whole (%s); computing it again", path, error)
        return False
    if not whole:
        log.warning("%s is damaged; computing it again", path)
    return whole


def _checksum(file: BinaryIO) -> int:
    checksum = 0
    while chunk := file.read(_CHUNK):
        checksum = zlib.crc32(chunk, checksum)
    return checksum


def _write(path: Path, batches: Iterator[np.ndarray], count: int) -> None:
    """Write an .npy file and its record, each under another name until it is complete.

    Written as a stream and not through a memory map: on a full disk that would kill the process.
    """
    # What a killed run left: nobody else writes here while the lock is held.
    for leftover in path.parent.glob(f".{path.stem}.*"):
        leftover.unlink()
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.npy")
    checksum, size, written = 0, 0, 0

    def put(file: BinaryIO, data: bytes) -> None:
        nonlocal checksum, size
        file.write(data)
        checksum, size = zlib.crc32(data, checksum), size + len(data)

    try:
        with temporary.open("wb") as file:
            for batch in batches:
                if not written:
                    put(file, _header((count, *batch.shape[1:]), batch.dtype))
                put(file, np.ascontiguousarray(batch).tobytes())
                written += len(batch)
            file.flush()
            os.fsync(file.fileno())
        # The record goes first: a file beside another file's record counts as damaged.
        record = json.dumps({"images": count, "bytes": size, "crc32": checksum})
        _record(temporary).write_text(record)
        _record(temporary).replace(_record(path))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
        _record(temporary).unlink(missing_ok=True)


def _header(shape: tuple[int, ...], dtype: np.dtype) -> bytes:
    """The first bytes of an .npy file, as NumPy writes them."""
    buffer = io.BytesIO()
    description = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(buffer, description)
    return buffer.getvalue()


@torch.inference_mode()
def _compute(
    backbone: Backbone,
    images: Images,
    transform: Callable[[Tensor], Tensor],
    device: torch.device,
    on_progress: Progress | None,
) -> Iterator[np.ndarray]:
    """Features in half precision, batch by batch; pictures are read by threads ahead of time."""
    was_training, home = backbone.training, next(backbone.parameters()).device
    backbone.eval().to(device)
    batch: list[Tensor] = []
    try:
        for done, image in enumerate(_read(images, transform), start=1):
            batch.append(image)
            if len(batch) == _BATCH or done == len(images):
                yield _half(backbone(torch.stack(batch).to(device)))
                batch = []
                if on_progress:
                    on_progress(done, len(images))
    finally:
        backbone.train(was_training).to(home)


def _half(features: Tensor) -> np.ndarray:
    halved = features.half()
    if not halved.isfinite().all():
        largest = float(features.abs().max())
        raise ValueError(f"features reach {largest:g}, which half precision cannot hold")
    return halved.cpu().numpy()


def _read(images: Images, transform: Callable[[Tensor], Tensor]) -> Iterator[Tensor]:
    """Transformed pictures in their order, a few batches ahead.

    Raises:
        DataError: after the last picture, with all that could not be read.
    """
    ahead: deque[Future[Tensor]] = deque()
    problems: list[str] = []
    hint = ""
    with ThreadPoolExecutor(num_threads()) as pool:
        for index in range(len(images) + 3 * _BATCH):
            if index < len(images):
                ahead.append(pool.submit(lambda n: transform(images[n]), index))
            if index < 3 * _BATCH or not ahead:
                continue
            try:
                image = ahead.popleft().result()
            except DataError as error:
                problems, hint = problems + error.problems, error.hint
                continue
            if not problems:
                yield image
            elif len(problems) > LIMIT:
                break
    if problems:
        raise DataError(problems, hint)
