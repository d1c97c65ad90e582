"""Downloads from a server on this machine: checked, unpacked, recorded, refused where broken."""

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from seqlab.data import download
from seqlab.data.errors import DataError


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _zip(path: Path, files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    path.write_bytes(buffer.getvalue())
    return buffer.getvalue()


def _header(address: str, checksums: str) -> dict[str, str]:
    return {
        "url": f"{address}/images.zip {address}/text.zip",
        "checksums": checksums,
        "files": "captions.txt",
        "counts": "Images=2 captions.txt=3",
        "renamed": "Imagse=Images",
    }


def _publish(folder: Path) -> tuple[bytes, bytes]:
    images = _zip(
        folder / "images.zip", {"Imagse/a.jpg": "a", "Imagse/b.jpg": "b", "__MACOSX/._a": ""}
    )
    return images, _zip(folder / "text.zip", {"captions.txt": "1\n2\n3\n"})


def test_download_unpacks_renames_and_records(served: tuple[Path, str], tmp_path: Path) -> None:
    images, text = _publish(served[0])
    target, steps = tmp_path / "data", []
    header = _header(served[1], f"md5:{hashlib.md5(images).hexdigest()} unknown")
    assert download.check(header, target) != []

    download.fetch(header, target, lambda _: None, lambda done, total: steps.append((done, total)))

    assert sorted(path.name for path in target.iterdir()) == [
        "Images",
        "SHA256SUMS",
        "captions.txt",
    ]
    assert sorted(path.name for path in (target / "Images").iterdir()) == ["a.jpg", "b.jpg"]
    sums = (target / "SHA256SUMS").read_text()
    assert f"{hashlib.sha256(images).hexdigest()}  images.zip\n" in sums
    assert f"{hashlib.sha256(text).hexdigest()}  text.zip\n" in sums
    assert (len(images), len(images)) in steps
    assert download.check(header, target) == []


def test_folders_of_two_archives_become_one(served: tuple[Path, str], tmp_path: Path) -> None:
    """As those of VOC 2007, whose photographs of training and test come apart."""
    _zip(served[0] / "images.zip", {"VOC/Images/a.jpg": "a", "VOC/Sets/Main/train.txt": "a\n"})
    _zip(served[0] / "text.zip", {"VOC/Images/b.jpg": "b", "VOC/Sets/Main/test.txt": "b\n"})
    header = {"url": _header(served[1], "")["url"], "within": "VOC VOC", "counts": "Images=2"}
    download.fetch(header, tmp_path / "data", lambda _: None)
    lists = sorted(path.name for path in (tmp_path / "data" / "Sets" / "Main").iterdir())
    assert lists == ["test.txt", "train.txt"]


def test_wrong_checksum_is_refused(served: tuple[Path, str], tmp_path: Path) -> None:
    _publish(served[0])
    with pytest.raises(DataError, match=r"images\.zip: .*does not match the known hash"):
        download.fetch(
            _header(served[1], f"md5:{'0' * 32} unknown"), tmp_path / "d", lambda _: None
        )


def test_wrong_counts_are_told(served: tuple[Path, str], tmp_path: Path) -> None:
    _publish(served[0])
    _zip(served[0] / "text.zip", {"captions.txt": "1\n"})
    with pytest.raises(DataError) as caught:
        download.fetch(_header(served[1], "unknown unknown"), tmp_path / "d", lambda _: None)
    assert caught.value.problems == [f"{tmp_path}/d/captions.txt: 1 lines, there should be 3"]


def test_an_archive_cut_short_is_refused(served: tuple[Path, str], tmp_path: Path) -> None:
    images, _ = _publish(served[0])
    (served[0] / "images.zip").write_bytes(images[:60])
    with pytest.raises(DataError, match="not a whole zip archive"):
        download.fetch(_header(served[1], "unknown unknown"), tmp_path / "d", lambda _: None)


def test_a_missing_archive_says_what_to_do(served: tuple[Path, str], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"images\.zip: 404.*\n.*download it by hand and unpack"):
        download.fetch(_header(served[1], "unknown unknown"), tmp_path / "d", lambda _: None)


def test_get_speaks_of_the_data_sets_there_are(tmp_path: Path) -> None:
    told: list[str] = []
    assert download.get("scenes", tmp_path, told.append) == tmp_path
    assert told == ["scenes is generated; there is nothing to download"]
    with pytest.raises(DataError, match="flickr30k cannot be downloaded by a program\nfill in"):
        download.get("flickr30k", tmp_path, told.append)
