"""The data module: its batches say what was told and asked."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from seqlab.data.batches import QuestionBatch
from seqlab.data.errors import DataError
from seqlab.data.fact_slots import Sentences, Triples, Windows
from seqlab.data.question_dataset import questions_from_text, unknown_words
from seqlab.data.question_sources import Asked, QuestionSource, Told
from seqlab.data.questions import QuestionDataModule
from seqlab.data.spec import QuestionSpec
from seqlab.data.synthetic.stories import Stories

STORIES = Stories(told="events", num_train=40, num_val=10, num_test=5, seed=3)


class _Few(QuestionSource):
    """A few questions that a test writes down: facts told, question, answers, facts needed."""

    tasks = ("where", "what")

    def __init__(self, **splits: list[tuple[list[str], str, list[str], list[int]]]) -> None:
        self.splits = splits

    def read(self, tasks: Sequence[str]) -> Told:
        facts: list[str] = []
        splits = {}
        for split in ("train", "val", "test"):
            asked = []
            for number, (told, text, answers, support) in enumerate(self.splits.get(split, []), 1):
                first = len(facts)
                facts += told
                task = "where" if text.startswith("Where") else "what"
                if task in tasks:
                    asked.append(
                        Asked(
                            f"{task}:{split}:{number}",
                            task,
                            text,
                            first,
                            len(facts),
                            tuple(answers),
                            tuple(support),
                        )
                    )
            splits[split] = tuple(asked)
        return Told(tuple(facts), splits, tuple(tasks))


HOME = ["Ann went home.", "Bob slept.", "Ann took milk."]
FEW = _Few(
    train=[
        (HOME, "Where is Ann?", ["home"], [0]),
        (["Ann slept."], "What has Ann?", ["milk,tea", "tea"], [0]),
        (HOME[:2], "Where is Bob?", ["home"], [1, 0]),
    ],
    val=[(["Eve went away."], "Where is Eve?", ["away", "home"], [0])],
    test=[(["Ann left."], "What has Eve?", ["cake"], [0])],
)


def _module(source: QuestionSource = FEW, **changed: Any) -> QuestionDataModule:
    settings: dict[str, Any] = {
        "slots": Sentences(),
        "task": "all",
        "candidates": None,
        "max_facts": None,
        "buckets": [],
        "batch_size": 16,
        "num_workers": 0,
        "seed": 1,
    }
    module = QuestionDataModule(source=source, **(settings | changed))
    module.setup()
    return module


def _epoch(module: QuestionDataModule, epoch: int = 0) -> list[QuestionBatch]:
    loader = module.train_dataloader()
    loader.set_epoch(epoch)
    return list(loader)


def _ids(text: str, spec: QuestionSpec) -> list[int]:
    """Numbers of the words of a simple sentence, by another way than the module's."""
    words = re.findall(r"[a-z]+", text.lower())
    return [spec.words.index(word) if word in spec.words else 1 for word in words]


def _without_padding(row: torch.Tensor) -> list[int]:
    return [number for number in row.tolist() if number != 0]


def test_a_batch_says_what_was_told_and_asked() -> None:
    module = _module(STORIES)
    spec = module.spec
    told = STORIES.read(STORIES.tasks)
    asked = {q.example_id: q for split in ("train", "val") for q in told.splits[split]}
    seen = []
    for batch in (*_epoch(module), *module.val_dataloader()):
        for row, example_id in enumerate(batch.example_ids):
            seen.append(example_id)
            question = asked[example_id]
            facts = told.facts[question.first : question.last]
            count = len(facts)
            assert batch.num_facts[row] == count
            assert batch.fact_texts[row] == facts
            assert batch.question_texts[row] == question.text
            got = [_without_padding(fact) for fact in batch.facts[row]]
            assert got == [_ids(fact, spec) for fact in facts] + [[]] * (len(got) - count)
            assert _without_padding(batch.question[row]) == _ids(question.text, spec)
            assert spec.words[batch.answers[row]] == question.answers[0]
            assert batch.accepted[row].tolist() == [batch.answers[row]]
            assert spec.tasks[batch.tasks[row]] == question.task
            assert batch.supporting is not None
            support = [n for n in batch.supporting[row].tolist() if n >= 0]
            assert tuple(support) == question.supporting
            # Words come first, padding last.
            assert all(
                (fact == 0).tolist() == sorted((fact == 0).tolist()) for fact in batch.facts[row]
            )
        assert batch.facts.shape[1] == batch.num_facts.max()
        assert (batch.facts[:, :, -1] != 0).any()
        assert (batch.question[:, -1] != 0).any()
        assert batch.keys is None
        assert batch.values is None
        tensors = [value for value in batch if isinstance(value, torch.Tensor)]
        assert {tensor.dtype for tensor in tensors} == {torch.int64}
    assert sorted(seen) == sorted(asked)


def test_words_and_answers_are_of_the_training_split_alone() -> None:
    spec = _module().spec
    assert spec.words[:2] == ("<padding>", "<unknown>")
    assert not {"eve", "away", "cake", "left"} & set(spec.words)
    assert {spec.words[n] for n in spec.answers} == {"home", "milk,tea", "tea"}
    assert spec.max_facts == 3
    assert spec.max_words == 3
    assert QuestionSpec.from_json(spec.to_json()) == spec


def test_an_answer_that_training_does_not_have_cannot_be_right() -> None:
    module = _module()
    home = module.spec.words.index("home")
    (batch,) = module.val_dataloader()
    assert batch.answers.tolist() == [1]
    assert batch.accepted.tolist() == [[home]]
    (batch,) = module.test_dataloader()
    assert batch.answers.tolist() == [1]
    assert batch.accepted.tolist() == [[-1]]


def test_several_answers_are_right_and_the_first_is_learnt() -> None:
    module = _module(task="what")
    (batch,) = _epoch(module)
    assert [module.spec.words[n] for n in batch.accepted[0].tolist()] == ["milk,tea", "tea"]
    assert module.spec.words[batch.answers[0]] == "milk,tea"
    assert batch.facts.shape == (1, 1, 2)  # no wider than this batch needs


def test_the_last_facts_stay_and_with_them_the_support_that_is_left() -> None:
    (batch,) = _epoch(_module(max_facts=2, task="where"))
    by_question = dict(zip(batch.question_texts, range(2), strict=True))
    ann, bob = by_question["Where is Ann?"], by_question["Where is Bob?"]
    assert batch.fact_texts[ann] == tuple(HOME[1:])
    assert batch.supporting is not None
    assert batch.supporting.tolist()[ann] == [-1, -1]
    assert batch.supporting.tolist()[bob] == [1, 0]
    (batch,) = _epoch(_module(max_facts=1, task="where"))
    assert batch.supporting.tolist()[bob] == [0]


def test_support_of_slots_is_known_where_a_fact_is_one() -> None:
    batches = _epoch(_module(STORIES, slots=Windows(size=3)))
    assert all(batch.supporting is None for batch in batches)
    assert all(batch.keys is not None and batch.values.shape[2] == 1 for batch in batches)


def test_triples_of_a_state_answer_the_question_where() -> None:
    state = Stories(told="state", num_train=40, num_val=1, num_test=1, seed=3)
    module = _module(state, slots=Triples(), task="one_fact")
    words = module.spec.words
    for batch in _epoch(module):
        for row, text in enumerate(batch.question_texts):
            person = re.findall(r"\w+", text.lower())[-1]
            key = [words.index(person), words.index("is_in")]
            slot = batch.keys[row].tolist().index(key)
            assert batch.values[row, slot].tolist() == [batch.answers[row]]


def test_tasks_are_chosen_by_name_number_or_list() -> None:
    def tasks(task: Any) -> tuple[str, ...]:
        return _module(STORIES, task=task).spec.tasks

    assert tasks("all") == STORIES.tasks
    assert tasks(2) == tasks("2") == tasks("two_facts") == ("two_facts",)
    assert tasks(["lists", 1]) == ("one_fact", "lists")
    assert tasks([6, 5, 4, 3, 2, 1]) == STORIES.tasks
    assert {q.task for q in _module(STORIES, task=[1, 6]).split("test")} == {"one_fact", "lists"}


@pytest.mark.parametrize("task", ["qa3", 0, 7, [1, "two"], []])
def test_an_unknown_task_is_refused(task: Any) -> None:
    with pytest.raises(ValueError, match=r"all, 1 to 6, or one_fact, .*lists"):
        _module(STORIES, task=task)


@pytest.mark.parametrize(
    "changed", [{"batch_size": 0}, {"max_facts": 0}, {"buckets": [5, 5]}, {"buckets": [9, 2]}]
)
def test_settings_that_make_no_sense_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changed))):
        _module(**changed)


def test_batches_are_of_like_numbers_of_facts() -> None:
    module = _module(STORIES, buckets=[3, 6])
    sides = set()
    for batch in _epoch(module):
        counts = batch.num_facts.tolist()
        sides |= {sum(count > bound for bound in (3, 6)) for count in counts}
        assert len({sum(count > bound for bound in (3, 6)) for count in counts}) == 1
    assert sides == {0, 1, 2}
    evaluated = [n for batch in module.val_dataloader() for n in batch.num_facts.tolist()]
    assert evaluated == sorted(evaluated, reverse=True)


def test_what_is_seen_is_a_function_of_seed_and_epoch() -> None:
    def ids(module: QuestionDataModule, epoch: int) -> list[tuple[str, ...]]:
        return [batch.example_ids for batch in _epoch(module, epoch)]

    first = ids(_module(STORIES), 1)
    assert ids(_module(STORIES), 1) == first
    assert ids(_module(STORIES, num_workers=1), 1) == first
    assert ids(_module(STORIES), 2) != first
    assert ids(_module(STORIES, seed=2), 1) != first


def test_an_epoch_goes_on_where_it_was_left() -> None:
    batches = _epoch(_module(STORIES), 3)
    begun = _module(STORIES).train_dataloader()
    begun.set_epoch(3)
    iterator = iter(begun)
    for _ in range(5):
        next(iterator)
    resumed = _module(STORIES).train_dataloader()
    resumed.load_state_dict(begun.state_dict())
    resumed.set_epoch(3)
    rest = list(resumed)
    assert [b.example_ids for b in rest] == [b.example_ids for b in batches[5:]]
    assert torch.equal(rest[0].facts, batches[5].facts)


def test_the_hash_tells_data_apart() -> None:
    def split_hash(**changed: Any) -> str:
        splits = FEW.splits | changed
        return _module(_Few(**splits)).spec.split_hash

    same = split_hash()
    assert split_hash() == same
    assert split_hash(test=[]) != same
    assert split_hash(val=[(["Eve went."], "Where is Eve?", ["away", "home"], [0])]) != same
    assert _module(STORIES).spec.split_hash == _module(STORIES, seed=9).spec.split_hash
    facts, first, second = ["Ann slept.", "Bob left.", "Ann left."], "Where is Ann?", "What left?"
    hashes = [
        split_hash(train=[(facts[:cut], first, ["a"], []), (facts[cut:], second, ["a"], [])])
        for cut in (1, 2)
    ]
    assert hashes[0] != hashes[1]


def test_a_spec_can_be_adopted() -> None:
    module = _module()
    other = _module(_Few(train=[(["Ann saw Zed."], "What has Ann?", ["home"], [0])]))
    assert other.spec != module.spec
    other.adopt(module.spec)
    assert other.spec == module.spec
    (batch,) = _epoch(other)
    assert batch.facts[0].tolist() == [[module.spec.words.index("ann"), 1, 1]]
    assert batch.answers.tolist() == [module.spec.words.index("home")]


@pytest.mark.parametrize("slots", [Sentences(), Windows(size=3)])
def test_what_a_person_asks_is_read_as_the_data_is(slots: Any) -> None:
    module = _module(STORIES, slots=slots, batch_size=400)
    (batch,) = _epoch(module)
    told = STORIES.read(STORIES.tasks)
    asked = {q.example_id: q for q in told.splits["train"]}
    stories = [
        (told.facts[asked[name].first : asked[name].last], asked[name].text)
        for name in batch.example_ids
    ]
    again = questions_from_text(module.spec, stories)
    for name in ("facts", "num_facts", "question", "keys", "values"):
        one, other = getattr(batch, name), getattr(again, name)
        assert (one is None and other is None) or torch.equal(one, other), name
    assert again.fact_texts == batch.fact_texts
    assert again.question_texts == batch.question_texts


def test_unknown_words_of_a_person_are_named() -> None:
    spec = _module().spec
    texts = ["Ann saw a zebra.", "Bob slept.", "Where is a zebra?"]
    assert unknown_words(spec, texts) == ["saw", "a", "zebra"]
    batch = questions_from_text(spec, [(["Zed."], "?!"), (["Bob slept.", "..."], "Where is Bob?")])
    assert batch.facts[0].tolist() == [[1, 0], [0, 0]]
    assert batch.question[0].tolist() == [1, 0, 0]
    assert batch.facts[1, 1].tolist() == [1, 0]  # a fact of no word is not mistaken for padding
    assert batch.num_facts.tolist() == [1, 2]
    assert batch.accepted.tolist() == [[-1], [-1]]


def test_a_question_without_a_story_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing was told before the question 'Where is Bob"):
        questions_from_text(_module().spec, [([], "Where is Bob?")])


@pytest.mark.parametrize("split", ["train", "test"])
def test_facts_that_are_no_triples_are_named(split: str) -> None:
    splits = {s: [(["ann is_in bed"], "Where is Ann?", ["bed"], [0])] for s in ("train", "test")}
    splits[split] = [(["Ann went home."], "Where is Ann?", ["home"], [0])]
    with pytest.raises(DataError, match=r"is no triple.*Ann went home") as caught:
        _module(_Few(**splits), slots=Triples())
    assert "memory_slots=sentences" in caught.value.hint


def test_nothing_to_train_on_is_an_error() -> None:
    with pytest.raises(DataError, match="no question of the training split is left"):
        _module(_Few(val=FEW.splits["val"]))


def test_an_empty_split_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    module = _module(_Few(train=FEW.splits["train"]))
    assert module.val_dataloader() == []
    assert "the val split has no question here" in caplog.text


def test_tensors_alone_are_moved() -> None:
    (batch,) = _epoch(_module(task="what"))
    moved = _module().transfer_batch_to_device(batch, torch.device("meta"), 0)
    assert moved.facts.device.type == moved.answers.device.type == "meta"
    assert moved.keys is None
    assert moved.fact_texts is batch.fact_texts
