"""What a person means by an input."""

import io
from pathlib import Path

import pytest

from seqlab.config.errors import UserError
from seqlab.run.assemble import _moved, _without_weight_files
from seqlab.run.predict import find_files


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.jpg", "c [1].png"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    return tmp_path


def test_inputs(photos: Path) -> None:
    assert find_files(f"{photos}/*.jpg") == [f"{photos}/a.jpg", f"{photos}/b.jpg"]
    assert find_files(f"{photos}/a.jpg") == [f"{photos}/a.jpg"]
    assert find_files(f"{photos}/c [1].png") == [f"{photos}/c [1].png"]  # a name, not a pattern
    assert len(find_files(str(photos))) == 3


def test_lines_of_standard_input(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("x.jpg\n\n y.jpg \n"))
    assert find_files("-") == ["x.jpg", "y.jpg"]


@pytest.mark.parametrize("given", ["none.jpg", "*.gif", "folder"])
def test_nothing_is_there(photos: Path, given: str) -> None:
    with pytest.raises(UserError, match="there is no such file"):
        find_files(f"{photos}/{given}")


def test_data_may_have_moved_since_training() -> None:
    config = {"source": {"folder": "/there/flickr8k", "list": ["/there", "/thereabouts/x"]}, "n": 3}
    moved = {"source": {"folder": "/here/flickr8k", "list": ["/here", "/thereabouts/x"]}, "n": 3}
    assert _moved(config, "/there", "/here") == moved


def test_a_checkpoint_needs_no_file_of_weights() -> None:
    config = {"backbone": {"weights": "/there/vgg.safetensors", "name": "vgg16"}, "parts": [1]}
    expected = {"backbone": {"weights": None, "name": "vgg16"}, "parts": [1]}
    assert _without_weight_files(config) == expected
