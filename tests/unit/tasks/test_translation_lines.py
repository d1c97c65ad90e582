"""Lines that are translated by request."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqlab.data.translation import TranslationDataModule
from tests.unit.tasks.dictionary import TEST, lines, task


@pytest.fixture
def data() -> TranslationDataModule:
    return lines()


def test_lines_are_answered_in_order_and_read_no_further_than_a_batch(
    data: TranslationDataModule, tmp_path: Path
) -> None:
    asked = 0

    def typed() -> Iterator[str]:
        nonlocal asked
        for line in ("dog", "", "the cat runs", "", "", "cat"):
            asked += 1
            yield line

    answers = []
    module = task(data)
    for answer in module.predict_inputs(typed(), None, tmp_path, batch_size=2, figures=True):
        answers.append(answer)
        assert asked == 2 * math.ceil(len(answers) / 2)
    assert [answer.source for answer in answers] == ["dog", "", "the cat runs", "", "", "cat"]
    texts = [answer.hypotheses[0].text for answer in answers]
    assert texts == ["Hund", "", "der Kater rennt", "", "", "Kater"]
    figures = [answer.figure and answer.figure.name for answer in answers]
    assert figures == ["1.png", None, "3.png", None, None, "6.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.png", "3.png", "6.png"]


def test_a_batch_of_lines_is_answered_as_each_alone(data: TranslationDataModule) -> None:
    sources = [source for source, _ in TEST]
    module = task(data)
    together, alone = (
        list(module.predict_inputs(iter(sources), None, Path(), batch_size=size, figures=False))
        for size in (4, 1)
    )
    for first, second in zip(together, alone, strict=True):
        assert first.hypotheses[0].text == second.hypotheses[0].text
        assert first.hypotheses[0].score == pytest.approx(second.hypotheses[0].score)
