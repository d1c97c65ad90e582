"""Stories as they are typed and as bAbI writes them, and lines that say nothing."""

import pytest

from seqlab.data.story_lines import LineError, StoryQuestion, StoryReader, read_questions

TYPED = """\
Mary went to the kitchen.
2 apples lie there.
Where is Mary?
John left.
Where is John ?

1 bird sings.
哪里？
""".splitlines()

BABI = """\
1 Mary moved to the bathroom.
2 John took 3 apples.
3 Where is Mary?\tbathroom\t1
4 Where is John? \tNowhere\t2 1
5 John left.
6 Who left?\tJohn\t5
1 Bill fell.
2 Who fell?\tbill
3 Who else?
""".splitlines()


def questions(lines: list[str]) -> list[StoryQuestion]:
    read = StoryReader()
    return [question for question in map(read.read, lines) if question is not None]


def test_typed_stories() -> None:
    kitchen, apples = "Mary went to the kitchen.", "2 apples lie there."
    assert questions(TYPED) == [
        StoryQuestion((kitchen, apples), "Where is Mary?", (), None),
        StoryQuestion((kitchen, apples, "John left."), "Where is John ?", (), None),
        StoryQuestion(("bird sings.",), "哪里？", (), None),
    ]


def test_stories_of_babi() -> None:
    told = ("Mary moved to the bathroom.", "John took 3 apples.", "John left.")
    assert questions(BABI) == [
        StoryQuestion(told[:2], "Where is Mary?", ("bathroom",), (0,)),
        StoryQuestion(told[:2], "Where is John?", ("nowhere",), (1, 0)),
        StoryQuestion(told, "Who left?", ("john",), (2,)),
        StoryQuestion(("Bill fell.",), "Who fell?", ("bill",), None),
        StoryQuestion(("Bill fell.",), "Who else?", (), None),
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["Where is Mary?"], "line 1: nothing was told before this question"),
        (["Mary left.", "", "Where is Mary?"], "line 3: nothing was told before this question"),
        (["1 Mary left.", "1 Where is Mary?"], "line 2: nothing was told before this question"),
        (["1 Mary left.", "4 John left."], "line 2: number 4 comes after number 1"),
        (["1 Mary left.", "2 Who?\tMary\t7"], "line 2: line 7 of the story is none of its facts"),
        (["1 Mary left.", "2 Who?\tMary\tx"], "line 2: line x of the story is none of its facts"),
        (["Mary left.", "Who?\tMary\t1"], "line 2: line 1 of the story is none of its facts"),
        (["1 Mary left.", "2 Who?\tMary\t1\t1"], "line 2: .* behind it, not 3 things between tabs"),
    ],
)
def test_what_is_wrong_with_a_line_is_said(lines: list[str], message: str) -> None:
    reader = StoryReader()
    for line in lines[:-1]:
        assert reader.read(line) is None
    with pytest.raises(LineError, match=message) as raised:
        reader.read(lines[-1])
    assert raised.value.line == lines[-1]


def test_the_story_goes_on_after_a_line_that_is_wrong() -> None:
    reader = StoryReader()
    with pytest.raises(LineError):
        reader.read("Where is Mary?")
    assert reader.read("Mary left.") is None
    assert reader.read("Where is Mary?") == StoryQuestion(
        ("Mary left.",), "Where is Mary?", (), None
    )


def test_questions_come_so_many_at_a_time_and_errors_in_their_place() -> None:
    lines = ["Mary left.", "Who?", "Why?", "When?", "", "Where?", "", "John left.", "How?"]
    shapes = [
        str(read) if isinstance(read, LineError) else [each.text for each in read]
        for read in read_questions(lines, 2)
    ]
    assert shapes == [
        ["Who?", "Why?"],
        ["When?"],
        "line 6: nothing was told before this question; tell the facts first",
        ["How?"],
    ]


def test_a_question_is_answered_before_the_next_line_is_asked_for() -> None:
    asked = []

    def lines():
        for line in ("Mary left.", "Who?", "John left."):
            asked.append(line)
            yield line

    read = read_questions(lines(), 1)
    assert [each.text for each in next(read)] == ["Who?"]
    assert asked == ["Mary left.", "Who?"]
