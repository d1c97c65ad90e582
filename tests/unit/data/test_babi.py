"""bAbI files: what is read of them, how they are split, and what is said of broken ones."""

from pathlib import Path
from typing import Any

import pytest

from seqlab.data.babi import Babi
from seqlab.data.errors import DataError
from seqlab.data.question_sources import Told

FIRST = """\
1 Mary moved to the bathroom.
2 John went to the hallway.
3 Where is Mary? \tbathroom\t1
4 Mary took the Milk there.
5 What is Mary carrying?\tMilk,Football\t4 1
1 Sandra is in the park.
2 Where is Sandra?\tpark\t1
"""


def _write(folder: Path, **files: str | bytes) -> Path:
    (folder / "en").mkdir(exist_ok=True)
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        task, split = name.split("_")
        (folder / "en" / f"{task}_some-name_{split}.txt").write_bytes(data)
    return folder


def _babi(folder: Path, **changed: Any) -> Babi:
    settings = {"version": "en", "missing": "error", "val_share": 0.0, "split_seed": 0}
    return Babi(folder=str(folder), **(settings | changed))


def _problems(folder: Path, content: str | bytes) -> list[str]:
    _write(folder, qa1_train=content, qa1_test=FIRST)
    with pytest.raises(DataError) as caught:
        _babi(folder).read(["qa1"])
    return [p.replace(f"{folder}/en/qa1_some-name_train.txt", "F") for p in caught.value.problems]


def _many(count: int, questions: int = 2) -> str:
    """Stories that differ."""
    story = "1 A is in {n}.\n" + "".join(
        f"{q + 2} Where is A?\t{{n}}\t1\n" for q in range(questions)
    )
    return "".join(story.format(n=f"place{n}") for n in range(count))


def test_facts_before_each_question_and_those_it_needs(tmp_path: Path) -> None:
    _write(tmp_path, qa1_train=FIRST, qa1_test=FIRST)
    told = _babi(tmp_path).read(["qa1"])
    first, second, third = told.splits["train"]
    assert told.facts[first.first : first.last] == (
        "Mary moved to the bathroom.",
        "John went to the hallway.",
    )
    assert (first.text, first.answers, first.supporting) == ("Where is Mary?", ("bathroom",), (0,))
    assert told.facts[second.first : second.last][-1] == "Mary took the Milk there."
    assert second.answers == ("milk,football",)
    assert second.supporting == (2, 0)  # facts, not lines; in the order of the file
    assert told.facts[third.first : third.last] == ("Sandra is in the park.",)
    assert [q.example_id for q in told.splits["train"]] == [f"qa1:train:{n}" for n in (1, 2, 3)]
    assert [q.example_id for q in told.splits["test"]] == [f"qa1:test:{n}" for n in (1, 2, 3)]
    assert told.facts[told.splits["test"][2].first] == "Sandra is in the park."


def test_qa1_is_not_qa10(tmp_path: Path) -> None:
    _write(tmp_path, qa10_train="1 No.\n", qa10_test="1 No.\n", qa1_train=FIRST, qa1_test=FIRST)
    assert len(_babi(tmp_path).read(["qa1"]).splits["test"]) == 3


def _split(told: Told, task: str) -> dict[str, list[str]]:
    return {
        split: [told.facts[q.first] for q in asked if q.task == task]
        for split, asked in told.splits.items()
    }


def test_validation_takes_whole_stories_of_every_task(tmp_path: Path) -> None:
    files = {f"{task}_{split}": _many(50) for task in ("qa1", "qa4") for split in ("train", "test")}
    _write(tmp_path, **files)
    told = _babi(tmp_path, val_share=0.2).read(["qa1", "qa4"])
    chosen = {}
    for task in ("qa1", "qa4"):
        found = _split(told, task)
        assert len(found["val"]) == 20
        assert len(found["train"]) == 80
        assert not set(found["val"]) & set(found["train"])
        assert len(found["test"]) == 100
        chosen[task] = set(found["val"])
    assert chosen["qa1"] != chosen["qa4"]
    alone = _babi(tmp_path, val_share=0.2).read(["qa4"])
    assert set(_split(alone, "qa4")["val"]) == chosen["qa4"]
    other = _babi(tmp_path, val_share=0.2, split_seed=1).read(["qa4"])
    assert set(_split(other, "qa4")["val"]) != chosen["qa4"]
    assert not _babi(tmp_path).read(["qa1"]).splits["val"]


def test_all_that_is_wrong_is_listed_with_file_and_line(tmp_path: Path) -> None:
    content = (
        b"1 Mary is here.\n"
        b"Mary left.\n"
        b"3 Where is Mary?\there\t1\n"
        b"5 John is here.\n"
        b"6 Where is John?\n"
        b"7 Where is John?\there\n"
        b"8 Where is John?\there\t6 4\n"
        b"\n"
        b"9 \xff is here.\n"
        b"1 Where is Mary?\there\t1\n"
        b"2 Mary is here.\n"
        b"3 Where is Mary?\t\t2\n"
    )
    three = "a question has three parts between tabs: itself, its answer and its facts"
    assert _problems(tmp_path, content) == [
        "F:2: does not begin with a number and a blank: Mary left.",
        "F:4: is numbered 5 where 4 or 1 would follow",
        "F:5: a question goes on with its answer and its facts, after tabs",
        f"F:6: {three}",
        "F:7: no fact before it in its story is numbered 6, 4",
        "F:8: the line is empty",
        "F:9: not UTF-8 (invalid start byte)",
        "F:10: nothing is told before the question: Where is Mary?",
        f"F:12: {three}",
    ]


def test_a_story_begins_with_line_1(tmp_path: Path) -> None:
    assert _problems(tmp_path, "2 A is here.\n3 B is here.\n") == [
        "F:1: is numbered 2 where 1 would follow"
    ]


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_file_is_named(tmp_path: Path, content: str) -> None:
    assert _problems(tmp_path, content) == ["F: is empty"]


def test_support_is_of_its_own_story(tmp_path: Path) -> None:
    content = "1 A is here.\n2 B is here.\n1 C is here.\n2 Where is C?\there\t2\n"
    assert _problems(tmp_path, content) == ["F:4: no fact before it in its story is numbered 2"]


def test_a_missing_file_is_named_with_a_way_out(tmp_path: Path) -> None:
    _write(tmp_path, qa1_train=FIRST, qa1_test=FIRST, qa2_test=FIRST, qa3_train=FIRST)
    with pytest.raises(DataError) as caught:
        _babi(tmp_path).read(["qa1", "qa2", "qa3"])
    assert caught.value.problems == [
        f"{tmp_path}/en/qa2_*_train.txt: is not there",
        f"{tmp_path}/en/qa3_*_test.txt: is not there",
    ]
    assert "data.task=[1] " in caught.value.hint
    assert "missing=skip" in caught.value.hint


def test_tasks_without_files_can_be_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _write(tmp_path, qa1_train=FIRST, qa1_test=FIRST, qa2_test=FIRST)
    told = _babi(tmp_path, missing="skip").read(["qa1", "qa2"])
    assert told.tasks == ("qa1",)
    assert {q.task for asked in told.splits.values() for q in asked} == {"qa1"}
    assert "left out qa2: " in caplog.text
    assert "qa2_*_train.txt: is not there" in caplog.text
    with pytest.raises(DataError, match="qa2_") as caught:
        _babi(tmp_path, missing="skip").read(["qa2"])
    assert "data.task chooses others" in caught.value.hint


def test_a_version_that_is_not_here(tmp_path: Path) -> None:
    _write(tmp_path, qa1_train=FIRST, qa1_test=FIRST)
    with pytest.raises(DataError) as caught:
        _babi(tmp_path, version="hn").read(Babi.tasks)
    assert caught.value.problems == [f"{tmp_path}/hn: there is no such folder"]
    assert "there are the versions en;" in caught.value.hint
    with pytest.raises(DataError, match="see seqlab data list"):
        _babi(tmp_path / "nowhere").read(Babi.tasks)
