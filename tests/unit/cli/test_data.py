"""Data sets: here or not, and what is asked of the downloader."""

from pathlib import Path
from typing import Any

import pytest

from seqlab.cli.data import state
from seqlab.cli.main import main
from seqlab.config import catalog
from seqlab.data import download

Capture = pytest.CaptureFixture[str]


def test_states(tmp_path: Path) -> None:
    header = catalog.describe("data", "flickr8k").header
    assert state("scenes", tmp_path) == "generated"
    assert state("flickr8k", tmp_path) == "not here"
    folder = tmp_path / header["folder"]
    folder.mkdir(parents=True)
    assert state("flickr8k", tmp_path) == "incomplete"
    for file in header["files"].split():
        (folder / file).touch()
    assert state("flickr8k", tmp_path) == "here"


def test_list(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_DATA", str(tmp_path))
    assert main(["data", "list"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in catalog.names("data"))
    assert "not here" in text
    assert str(tmp_path) in text
    assert main(["data", "list", "paths.data=elsewhere"]) == 0
    assert "lie in elsewhere" in capsys.readouterr().out


def test_get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, Path]] = []

    def get(name: str, data_dir: Path, report: Any, on_progress: Any) -> Path:
        report("downloading")
        on_progress(1, 10)
        calls.append((name, data_dir))
        return data_dir

    monkeypatch.setattr(download, "get", get)
    assert main(["data", "get", "flickr8k", f"paths.data={tmp_path}"]) == 0
    assert calls == [("flickr8k", tmp_path)]


def test_check_of_a_data_set_that_is_not_here(tmp_path: Path, capsys: Capture) -> None:
    assert main(["data", "check", "flickr8k", f"paths.data={tmp_path}"]) == 2
    text = capsys.readouterr().err
    assert "Flickr8k.token.txt: not here" in text
    assert "seqlab data get flickr8k" in text


def test_check_reads_every_picture(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    from seqlab.data.captions import CaptionDataModule

    monkeypatch.setattr(CaptionDataModule, "check", lambda self, on_progress: [])
    assert main(["data", "check", "scenes"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "scenes is whole"
    monkeypatch.setattr(CaptionDataModule, "check", lambda self, on_progress: ["a.jpg: cut off"])
    assert main(["data", "check", "scenes"]) == 2
    assert "a.jpg: cut off" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["gte"], "did you mean: get?"),
        (["get"], "takes the name of one data set"),
        (["get", "flickr8"], "did you mean: flickr8k?"),
        (["list", "x"], "one word too many"),
        (["list", "path=x"], "paths.data=DIR"),
    ],
)
def test_mistakes(words: list[str], text: str, capsys: Capture) -> None:
    assert main(["data", *words]) == 2
    assert text in capsys.readouterr().err
