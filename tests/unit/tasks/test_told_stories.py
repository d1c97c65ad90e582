"""Stories of a person, answered by a rule."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from seqlab.data.fact_slots import Triples
from seqlab.data.questions import QuestionDataModule
from tests.unit.tasks.asked import data, task


@pytest.fixture(scope="module")
def asked() -> QuestionDataModule:
    return data()


STORY = """\
Mary, kitchen
Where is Mary?
John, the zebra garden
Where is John?

Bill, hall
Where is Bill?
""".splitlines()


def test_stories_are_answered_and_read_no_further_than_a_batch(
    asked: QuestionDataModule, tmp_path: Path
) -> None:
    read: list[str] = []

    def typed() -> Iterator[str]:
        for line in STORY:
            read.append(line)
            yield line

    module, answers = task(asked), []
    for answer in module.predict_inputs(typed(), None, tmp_path, batch_size=1, figures=True):
        answers.append(answer)
        assert read[-1] == answer.source
    assert [answer.hypotheses[0].text for answer in answers] == ["kitchen", "garden", "hall"]
    assert [len(answer.hypotheses) for answer in answers] == [3, 3, 3]
    assert all(answer.is_choice for answer in answers)
    assert [answer.notes for answer in answers] == [
        (),
        ("never seen in training, so read as unknown: the, zebra",),
        (),
    ]
    assert [answer.figure and answer.figure.name for answer in answers] == [
        "1.png",
        "2.png",
        "3.png",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.png", "2.png", "3.png"]
    table = answers[1].table
    assert table is not None
    assert table.columns == ("fact", "hop 1", "hop 2")
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["Mary, kitchen", "0.50", "0.00"],
        ["John, the zebra garden", "0.50", "1.00"],
    ]
    assert [row[2].shade for row in table.rows] == [0.0, 1.0]
    assert answers[2].record == {
        "accepted": [],
        "facts": ["Bill, hall"],
        "attention": [[1.0], [1.0]],
    }


def test_a_batch_of_questions_is_answered_as_each_alone(asked: QuestionDataModule) -> None:
    module = task(asked)
    together, alone = (
        list(module.predict_inputs(iter(STORY), None, Path(), batch_size=size, figures=False))
        for size in (5, 1)
    )
    assert len(together) == 3
    assert together == alone


def test_a_file_of_babi_says_what_is_needed_and_what_is_right(asked: QuestionDataModule) -> None:
    lines = ["1 Mary, kitchen", "2 John, garden", "3 Where is Mary? \tHall\t1"]
    (answer,) = task(asked).predict_inputs(iter(lines), None, Path(), batch_size=4, figures=False)
    assert answer.source == "Where is Mary?"
    assert answer.notes == ("right is hall",)
    assert answer.table is not None
    assert answer.table.columns == ("fact", "support", "hop 1", "hop 2")
    assert [[cell.text for cell in row[:2]] for row in answer.table.rows] == [
        ["Mary, kitchen", "yes"],
        ["John, garden", ""],
    ]
    assert answer.record is not None
    assert answer.record["supporting"] == [0]


def test_lines_that_are_wrong_have_no_answer_and_the_story_goes_on(
    asked: QuestionDataModule,
) -> None:
    lines = ["Where is Mary?", "Mary, hall", "Where is Mary?"]
    first, second = task(asked).predict_inputs(
        iter(lines), None, Path(), batch_size=4, figures=False
    )
    assert first.source == "Where is Mary?"
    assert first.hypotheses == ()
    assert "line 1: nothing was told before this question" in first.notes[0]
    assert second.hypotheses[0].text == "hall"


def test_a_fact_of_another_form_than_the_slots_need_spoils_no_other_question(
    asked: QuestionDataModule,
) -> None:
    module = task(asked)
    object.__setattr__(module.spec, "slots", Triples().to_json())
    lines = ["1 mary is_in kitchen", "2 Where is mary?\tkitchen\t1", "", "mary is", "Is mary?"]
    try:
        good, bad = module.predict_inputs(iter(lines), None, Path(), batch_size=4, figures=False)
    finally:
        object.__setattr__(module.spec, "slots", data().spec.slots)
    assert len(good.hypotheses) == 3
    assert good.table is not None
    # A fact is two rows here, so that none can be marked.
    assert good.table.columns == ("fact", "hop 1", "hop 2")
    assert [row[0].text for row in good.table.rows] == ["mary is_in kitchen", "kitchen !is_in mary"]
    assert bad.hypotheses == ()
    assert "is no triple" in bad.notes[0]


def test_a_long_story_is_cut_to_what_matters(asked: QuestionDataModule) -> None:
    lines = [f"Bill{n}, hall" for n in range(60)] + ["Mary, kitchen", "Where is Mary?"]
    (answer,) = task(asked).predict_inputs(iter(lines), None, Path(), batch_size=1, figures=False)
    assert answer.table is not None
    assert len(answer.table.rows) <= 25
    assert answer.table.rows[-1][0].text == "Mary, kitchen"
    assert [len(row) for row in answer.table.rows if row[0].text.startswith("...")] == [1]
