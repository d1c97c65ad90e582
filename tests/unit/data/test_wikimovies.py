"""WikiMovies in its layout, on a few movies."""

from pathlib import Path
from typing import Any, Literal

import pytest

from seqlab.data.candidates import SharedWords
from seqlab.data.errors import DataError
from seqlab.data.fact_slots import FactSlots, Triples, Windows
from seqlab.data.questions import QuestionDataModule
from seqlab.data.wikimovies import WikiMovies, parted

FILES = {
    "knowledge_source/entities.txt": (
        "Monsters, Inc.\nUp\nPete Docter\nBob Peterson\nKismet\nWilliam Dieterle\n"
        "Marlene Dietrich\nEdward Arnold\n1944\n\nMonsters\n"
    ),
    "knowledge_source/wiki_entities/wiki_entities_kb.txt": (
        "1 Monsters, Inc. directed_by Pete Docter\n"
        "2 Monsters, Inc. has_plot Two monsters directed_by nobody, and a girl.\n"
        "\n"
        "1 Up directed_by Pete Docter, Bob Peterson\n"
        "2 Up has_tags one_two\n"
        "\n"
        "1 Kismet directed_by William Dieterle\n"
        "2 Kismet starred_actors Marlene Dietrich, Edward Arnold\n"
        "3 Kismet release_year 1944\n"
    ),
    "knowledge_source/wiki.txt": (
        "1 Kismet (film)\n2 Kismet is a film by William Dieterle.\n3 It is old.\n\n"
        "1 Up\n2 Up is up.\n"
    ),
    "questions/wiki_entities/wiki-entities_qa_train.txt": (
        "1 what did Pete Docter direct?\tMonsters, Inc., Up\n"
        "1 who directed Kismet?\tWilliam Dieterle\n"
    ),
    "questions/wiki_entities/wiki-entities_qa_dev.txt": "1 when was Kismet released?\t1944\n",
    "questions/wiki_entities/wiki-entities_qa_test.txt": "1 anything else?\tUp\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def _movies(
    folder: Path, knowledge: Literal["kb", "doc"] = "kb", *, plots: bool = False
) -> WikiMovies:
    return WikiMovies(folder=str(folder), knowledge=knowledge, plots=plots)


def _module(source: WikiMovies, slots: FactSlots, **changed: Any) -> QuestionDataModule:
    settings = {
        "task": "all",
        "candidates": SharedWords(max_frequency=100),
        "max_facts": None,
        "buckets": [],
        "batch_size": 8,
        "num_workers": 0,
        "seed": 0,
    }
    module = QuestionDataModule(source=source, slots=slots, **(settings | changed))
    module.setup()
    return module


def test_a_fact_for_each_object(folder: Path) -> None:
    told = _movies(folder).read(["wikimovies"])
    assert told.facts == (
        "Monsters, Inc. directed_by Pete Docter",
        "Up directed_by Pete Docter",
        "Up directed_by Bob Peterson",
        "Up has_tags one two",
        "Kismet directed_by William Dieterle",
        "Kismet starred_actors Marlene Dietrich",
        "Kismet starred_actors Edward Arnold",
        "Kismet release_year 1944",
    )


def test_plots_are_told_on_demand(folder: Path) -> None:
    facts = _movies(folder, plots=True).read(["wikimovies"]).facts
    assert len(facts) == 9
    assert facts[1] == "Monsters, Inc. has_plot Two monsters directed by nobody, and a girl."


def test_sentences_follow_the_title_of_their_article(folder: Path) -> None:
    assert _movies(folder, "doc").read(["wikimovies"]).facts == (
        "Kismet | Kismet is a film by William Dieterle.",
        "Kismet | It is old.",
        "Up | Up is up.",
    )


def test_questions_are_about_all_facts(folder: Path) -> None:
    splits = _movies(folder).read(["wikimovies"]).splits
    first, second = splits["train"]
    assert first.text == "what did Pete Docter direct?"
    assert first.answers == ("monsters inc", "up")
    assert (first.first, first.last, first.supporting) == (0, 8, None)
    assert second.example_id == "wikimovies:train:2"
    assert {split: len(asked) for split, asked in splits.items()} == {
        "train": 2,
        "val": 1,
        "test": 1,
    }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Up", ["Up"]),
        ("Monsters, Inc., Up", ["Monsters, Inc.", "Up"]),
        ("Monsters, Up", ["Monsters", "Up"]),  # though the longest name begins so
        ("up, Bob, Monsters, Inc.", ["up", "Bob", "Monsters", "Inc."]),  # Bob is no name
        ("One, Two, Three, Four", ["One, Two", "Three, Four"]),  # One, Two, Three leaves Four
    ],
)
def test_names_with_commas_are_parted(text: str, names: list[str]) -> None:
    known = ("monsters inc", "monsters", "up", "one two three", "one two", "three four")
    assert parted(text, dict.fromkeys(known)) == names


def test_names_are_parted_without_trying_all_ways() -> None:
    pieces = [*["a"] * 60, "b"]  # more ways than could ever be tried, and none comes to the end
    assert parted(", ".join(pieces), dict.fromkeys(("a", "a a", "a a a"))) == pieces


def test_the_knowledge_base_answers(folder: Path) -> None:
    module = _module(_movies(folder), Triples())
    words = module.spec.words
    (batch,) = module.train_dataloader()
    row = batch.example_ids.index("wikimovies:train:1")
    found = {
        (words[key], words[relation]): words[value]
        for (key, relation), value in zip(
            batch.keys[row].tolist(), batch.values[row, :, 0].tolist(), strict=True
        )
    }
    assert batch.num_facts[row] == 2
    # Both movies have the same key, so one of them is in the mapping.
    assert found[("pete docter", "!directed_by")] == "up"
    assert batch.fact_texts[row][0] == "pete docter !directed_by monsters inc"
    assert [words[n] for n in batch.accepted[row].tolist()] == ["monsters inc", "up"]
    assert words[batch.answers[row]] == "monsters inc"
    assert batch.supporting is None
    assert "bob peterson" in words
    assert "bob" not in words


def test_where_nothing_shares_a_word_one_slot_says_so(folder: Path) -> None:
    module = _module(_movies(folder), Triples())
    (batch,) = module.test_dataloader()
    assert batch.num_facts.tolist() == [1]
    assert batch.fact_texts == (("(nothing)",),)
    assert batch.facts.tolist() == batch.keys.tolist() == [[[1]]]


def test_articles_answer_through_windows(folder: Path) -> None:
    module = _module(_movies(folder, "doc"), Windows(size=3))
    words = module.spec.words
    (batch,) = module.train_dataloader()
    row = batch.example_ids.index("wikimovies:train:2")
    slots = [
        ([words[n] for n in key if n], [words[n] for n in value if n])
        for key, value in zip(batch.keys[row].tolist(), batch.values[row].tolist(), strict=True)
    ]
    assert (["kismet", "by", "william dieterle"], ["william dieterle"]) in slots
    assert (["!title", "kismet", "is"], ["kismet"]) in slots
    assert len(slots) == 3  # what has neither `kismet` nor `directed` in its key is not looked at


def test_no_more_facts_than_asked_for(folder: Path) -> None:
    module = _module(_movies(folder), Triples(), max_facts=2)
    (batch,) = module.val_dataloader()
    assert batch.num_facts.tolist() == [2]


def _problems(folder: Path, name: str, text: str) -> list[str]:
    (folder / name).write_text(text)
    with pytest.raises(DataError) as caught:
        _movies(folder, "doc" if name.endswith("wiki.txt") else "kb").read(["wikimovies"])
    return [problem.replace(f"{folder / name}", "F") for problem in caught.value.problems]


def test_broken_lines_are_listed(folder: Path) -> None:
    knowledge = "knowledge_source/wiki_entities/wiki_entities_kb.txt"
    text = "1 Up directed_by Jo\nUp has_tags x\n3 Up made_by Jo\n5 Up directed_by\n"
    second, third, *fourth = _problems(folder, knowledge, text)
    assert second == "F:2: does not begin with a number and a blank: Up has_tags x"
    assert third.startswith("F:3: is no movie, relation (directed_by, has_genre, ")
    assert fourth[0] == "F:4: is numbered 5 where 4 or 1 would follow"
    assert fourth[1].startswith("F:4: is no movie, relation")


def test_a_question_needs_its_answer(folder: Path) -> None:
    name = "questions/wiki_entities/wiki-entities_qa_dev.txt"
    text = "1 who?\tUp\n1 who?\n1 who?\t \n1 who?\ta\tb\n2 \tUp\n"
    lacking = "a question goes on with its answers, after a tab"
    found = _problems(folder, name, text)
    assert found[:3] == [f"F:{line}: {lacking}" for line in (2, 3, 4)]
    assert len(found) == 4


def test_missing_and_empty_files_are_named_together(folder: Path) -> None:
    (folder / "knowledge_source/entities.txt").unlink()
    assert _problems(folder, "knowledge_source/wiki.txt", "\n") == [
        f"{folder}/knowledge_source/entities.txt: No such file or directory",
        "F: is empty",
    ]
