"""Downloads the data sets that may be downloaded, and checks what came.

What is to be had where stands in the header of the data set's yaml: `folder` below the data folder,
`url` (archives), `checksums` (of each archive, or `unknown`), `within` (the folder of each archive
that is wanted, `.` for all), `renamed` (OLD=NEW, of what lies there), `counts` (NAME=files of a
folder or lines of a file), or `obtain` (what a person must do).
"""

import hashlib
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pooch

from seqlab.config import catalog
from seqlab.data.errors import DataError

Report = Callable[[str], None]
Progress = Callable[[int, int], None]  # told how many bytes are done, and of how many

_CHUNK = 1 << 20  # bytes


def get(
    name: str, data_dir: Path, report: Report = print, on_progress: Progress | None = None
) -> Path:
    """Download a data set, unpack and check it.

    Args:
        name: as in conf/data.
        data_dir: the folder of all data sets.
        report: told in a sentence what happens.
        on_progress: told how many bytes of an archive are there, and of how many.

    Returns:
        The data set's folder.

    Raises:
        DataError: it cannot be downloaded, or what came is not what it should be.
    """
    header = catalog.describe("data", name).header
    if "folder" not in header:
        report(f"{name} is generated; there is nothing to download")
        return data_dir
    folder = data_dir / header["folder"]
    if "url" not in header:
        hint = f"{header.get('obtain', 'see its home page')} (folder: {folder})"
        raise DataError([f"{name} cannot be downloaded by a program"], hint)
    if not check(header, folder):
        report(f"{name} is in {folder} already")
        return folder
    report(f"downloading {name} ({header['size']}) to {folder}; licence: {header['licence']}")
    fetch(header, folder, report, on_progress)
    report(f"{name} is complete")
    return folder


def fetch(
    header: Mapping[str, str], folder: Path, report: Report, on_progress: Progress | None = None
) -> None:
    """Download and unpack the archives of a header into a folder.

    Raises:
        DataError: an archive cannot be had, or is not what it should be.
    """
    urls = header["url"].split()
    checksums = header.get("checksums", "").split() or ["unknown"] * len(urls)
    within = header.get("within", "").split() or ["."] * len(urls)
    waiting = folder / ".download"
    for url, checksum, inner in zip(urls, checksums, within, strict=True):
        archive = _retrieve(url, checksum, waiting, folder, on_progress)
        report(f"unpacking {archive.name}")
        _unpack(archive, folder, inner, _pairs(header, "renamed"))
        with (folder / "SHA256SUMS").open("a") as sums:
            sums.write(f"{_sha256(archive)}  {archive.name}\n")
        archive.unlink()
    waiting.rmdir()
    if problems := check(header, folder):
        raise DataError(problems, f"remove {folder} and try again")


def check(header: Mapping[str, str], folder: Path) -> list[str]:
    """What differs from the files and counts that a header promises."""
    names = header.get("files", "").split()
    problems = [f"{folder / name}: not here" for name in names if not (folder / name).exists()]
    for name, count in _pairs(header, "counts").items():
        path = folder / name
        if path.is_dir():
            found, kind = sum(1 for _ in path.iterdir()), "files"
        elif path.is_file():
            found, kind = len(path.read_bytes().splitlines()), "lines"
        else:
            problems += [] if name in names else [f"{path}: not here"]
            continue
        if found != int(count):
            problems.append(f"{path}: {found} {kind}, there should be {count}")
    return problems


def _pairs(header: Mapping[str, str], key: str) -> dict[str, str]:
    """`a=b c=d` as a dictionary."""
    return dict(pair.split("=", 1) for pair in header.get(key, "").split())


def _retrieve(
    url: str, checksum: str, waiting: Path, folder: Path, on_progress: Progress | None
) -> Path:
    name = Path(urlsplit(url).path).name
    progressbar = _ProgressBar(on_progress) if on_progress else False
    downloader = pooch.HTTPDownloader(progressbar=progressbar, chunk_size=_CHUNK, timeout=60)
    known = None if checksum == "unknown" else checksum
    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(
            pooch.retrieve(url, known, fname=name, path=str(waiting), downloader=downloader)
        )
    except (OSError, ValueError) as error:  # no connection or no room, or another checksum
        hint = f"try again, or download it by hand and unpack it into {folder}"
        raise DataError([f"{url}: {error}"], hint) from error


def _unpack(archive: Path, folder: Path, inner: str, renamed: Mapping[str, str]) -> None:
    """Move what a folder in an archive holds into a folder, whole or not at all."""
    unpacked = archive.parent / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    kind = "zip" if archive.suffix == ".zip" else "tar"
    try:
        if kind == "zip":
            with zipfile.ZipFile(archive) as file:
                file.extractall(unpacked)
        else:
            with tarfile.open(archive) as tar:
                tar.extractall(unpacked, filter="data")  # nothing outside of the folder
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, OSError, EOFError) as error:
        archive.unlink()
        problem = f"{archive}: not a whole {kind} archive ({error})"
        raise DataError([problem], "try again") from error
    wanted = unpacked / inner
    if not wanted.is_dir():
        raise DataError([f"{archive}: has no folder {inner}"], "unpack it by hand")
    for path in sorted(wanted.iterdir()):
        target = folder / renamed.get(path.name, path.name)
        if path.name == "__MACOSX":
            continue
        _move(path, target)
    shutil.rmtree(unpacked)


def _move(path: Path, target: Path) -> None:
    """Move a file or a folder; what a folder of another archive holds stays beside it."""
    if path.is_dir() and target.is_dir():
        for each in path.iterdir():
            _move(each, target / each.name)
    else:
        path.replace(target)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _ProgressBar:
    """What pooch wants of a progress bar."""

    def __init__(self, on_progress: Progress) -> None:
        self.total = 0
        self._done = 0
        self._on_progress = on_progress

    def update(self, count: int) -> None:
        self._done += count
        self._on_progress(self._done, self.total)

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        """Nothing is open."""
