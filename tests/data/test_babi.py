"""The real bAbI tasks."""

import logging
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from seqlab.data.babi import Babi
from seqlab.data.errors import DataError
from seqlab.data.fact_slots import Sentences
from seqlab.data.questions import QuestionDataModule

FOLDER = Path(os.environ.get("SEQLAB_DATA", "data")) / "babi" / "tasks_1-20_v1-2"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="babi is not under SEQLAB_DATA"),
]


def _babi(**changed: Any) -> Babi:
    settings = {"version": "en", "missing": "error", "val_share": 0.1, "split_seed": 0}
    return Babi(folder=str(FOLDER), **(settings | changed))


def test_every_task_has_a_thousand_questions_to_train_and_to_test() -> None:
    told = _babi().read(Babi.tasks)
    counts = {split: Counter(q.task for q in asked) for split, asked in told.splits.items()}
    assert told.tasks == Babi.tasks
    for task in Babi.tasks:
        assert counts["test"][task] == counts["train"][task] + counts["val"][task] == 1000
        assert 100 <= counts["val"][task] <= 112  # whole stories


def test_the_supporting_facts_of_task_1_answer_it() -> None:
    told = _babi().read(["qa1"])
    for question in told.splits["test"]:
        facts = told.facts[question.first : question.last]
        person = question.text.split()[-1].strip("?")
        about = [number for number, fact in enumerate(facts) if fact.startswith(f"{person} ")]
        assert question.supporting == (about[-1],)
        assert facts[about[-1]].endswith(f" the {question.answers[0]}.")


def test_the_supporting_facts_of_tasks_2_and_3_name_the_thing_and_the_place() -> None:
    told = _babi().read(["qa2", "qa3"])
    for question in told.splits["train"]:
        facts = [told.facts[question.first + n] for n in question.supporting or ()]
        thing = question.text.split("the ")[1].split()[0].strip("?")
        assert len(facts) == int(question.task[-1])
        assert any(thing in fact for fact in facts)
        assert any(question.answers[0] in fact for fact in facts)


def test_the_missing_file_of_10k_is_named_with_a_way_out(caplog: pytest.LogCaptureFixture) -> None:
    if (FOLDER / "en-10k" / "qa3_three-supporting-facts_train.txt").exists():
        pytest.skip("en-10k is whole here")
    with pytest.raises(DataError) as caught:
        _babi(version="en-10k").read(Babi.tasks)
    assert len(caught.value.problems) == 1
    assert "en-10k/qa3_" in caught.value.problems[0]
    assert "data.task=[1,2,4,5,6," in caught.value.hint
    with caplog.at_level(logging.WARNING):
        told = _babi(version="en-10k", missing="skip").read(["qa1", "qa3"])
    assert told.tasks == ("qa1",)
    assert "left out qa3" in caplog.text
    assert len(told.splits["train"]) + len(told.splits["val"]) == 10_000


def test_a_module_of_all_tasks() -> None:
    module = QuestionDataModule(
        source=_babi(),
        slots=Sentences(),
        task="all",
        candidates=None,
        max_facts=None,
        buckets=[10, 20, 50],
        batch_size=32,
        num_workers=0,
        seed=0,
    )
    module.setup()
    spec = module.spec
    assert 160 < len(spec.words) < 190
    assert spec.max_words == 11
    batches = list(module.train_dataloader())
    assert sum(len(batch.example_ids) for batch in batches) == module.num_questions("train")
    assert sum(batch.facts.shape[:2].numel() for batch in batches) < 2 * sum(
        int(batch.num_facts.sum()) for batch in batches
    )  # less than half is padding
    tested = list(module.test_dataloader())
    assert sum(len(batch.example_ids) for batch in tested) == 20_000
    known = sum(int((batch.accepted >= 0).any(dim=1).sum()) for batch in tested)
    assert known > 19_900  # nearly all answers of the test are known from training
