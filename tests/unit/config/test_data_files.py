"""Files that a data set needs, where its settings name them one by one."""

from pathlib import Path

import pytest

from seqlab.config.compose import resolve
from seqlab.config.validate import validate

PAIR = ("task=translation", "data=text_pair")


def missing(*overrides: str) -> list[tuple[str, str | None]]:
    problems = validate(resolve("train", [*PAIR, *overrides]).config)
    assert all(
        "there is no such file; to get it: put the files there" in p.message for p in problems
    )
    return [(problem.key.removeprefix("data.source."), problem.given) for problem in problems]


def test_each_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "text_pair"
    names = ["train_source", "train_target", "val_source", "val_target"]
    files = {name: folder / name.replace("_", ".") for name in names}
    here = f"paths.data={tmp_path}"
    assert missing(here) == [(name, str(file)) for name, file in files.items()]
    folder.mkdir()
    files["train_source"].touch()
    assert [name for name, _ in missing(here)] == names[1:]
    for file in files.values():
        file.touch()
    assert missing(here) == []


@pytest.mark.parametrize("val", ["null", "elsewhere.txt"])
def test_those_that_are_looked_for_elsewhere_are_not_asked_for_here(
    val: str, tmp_path: Path
) -> None:
    train = ["data.source.train_source=a.txt", "data.source.train_target=b.txt"]
    assert [n for n, _ in missing(f"paths.data={tmp_path}", *train)] == ["val_source", "val_target"]
    led = [f"data.source.val_source={val}", f"data.source.val_target={val}"]
    assert missing(f"paths.data={tmp_path}", *train, *led) == []
