"""WikiMovies (Miller et al., 2016) in its official layout."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from seqlab.data.errors import DataError
from seqlab.data.question_sources import Asked, QuestionSource, Told
from seqlab.data.text_files import numbered_lines, plain_lines
from seqlab.data.vocabulary import tokenise

_SPLITS = {"train": "train", "val": "dev", "test": "test"}
_PLOT = "has_plot"
_RELATIONS = frozenset(
    {
        "directed_by",
        "has_genre",
        "has_imdb_rating",
        "has_imdb_votes",
        _PLOT,
        "has_tags",
        "in_language",
        "release_year",
        "starred_actors",
        "written_by",
    }
)


class WikiMovies(QuestionSource):
    """Questions about movies that a knowledge base answers, and so do articles of Wikipedia.

    All questions are about all facts; see `seqlab.data.candidates`. Names of movies, people and the
    like (`entities.txt`) are one word each, in lower case. Of several right answers the first is
    learnt.

    Args:
        folder: the folder movieqa of the data set.
        knowledge: `kb`, triples of which each has one object, or `doc`, sentences of articles after
            the title of the article: `Title | A sentence.`
        plots: whether the knowledge base tells the plots too, which no question is about.
    """

    tasks = ("wikimovies",)

    def __init__(self, *, folder: str, knowledge: Literal["kb", "doc"], plots: bool) -> None:
        self.folder = Path(folder)
        self.knowledge = knowledge
        self.plots = plots

    def read(self, tasks: Sequence[str]) -> Told:
        problems: list[str] = []
        sources = self.folder / "knowledge_source"
        entities = {
            name: None
            for _, text in plain_lines(sources / "entities.txt", problems, may_be_empty=True)
            if text is not None and (name := " ".join(tokenise(text)))
        }
        if self.knowledge == "kb":
            path = sources / "wiki_entities" / "wiki_entities_kb.txt"
            facts = self._triples(path, entities, problems)
        else:
            facts = _sentences(sources / "wiki.txt", problems)
        splits = {}
        for split, name in _SPLITS.items():
            path = self.folder / "questions/wiki_entities" / f"wiki-entities_qa_{name}.txt"
            splits[split] = _questions(path, split, len(facts), entities, problems)
        if problems:
            raise DataError(problems, "is the data set complete? see seqlab data list")
        return Told(tuple(facts), splits, self.tasks, tuple(entities))

    def _triples(self, path: Path, entities: Mapping[str, None], problems: list[str]) -> list[str]:
        """A fact `subject relation object` for each object of a line."""
        facts = []
        for number, _, text in numbered_lines(path, problems, may_be_empty=True):
            words = text.split()
            places = [at for at, word in enumerate(words) if word in _RELATIONS]
            if not places or not 0 < places[0] < len(words) - 1:
                names = ", ".join(sorted(_RELATIONS))
                problems.append(f"{path}:{number}: is no movie, relation ({names}) and object")
                continue
            at = places[0]
            relation = words[at]
            if relation == _PLOT and not self.plots:
                continue
            # An underscore is the mark of a relation.
            subject, thing = (
                " ".join(part).replace("_", " ") for part in (words[:at], words[at + 1 :])
            )
            things = [thing] if relation == _PLOT else parted(thing, entities)
            facts += [f"{subject} {relation} {each}" for each in things]
        return facts


def _sentences(path: Path, problems: list[str]) -> list[str]:
    """The sentences of all articles, each after the title of its article."""
    facts = []
    title = ""
    for _, place, text in numbered_lines(path, problems, may_be_empty=True):
        if place == 1:
            title = text.partition(" (")[0]
        else:
            facts.append(f"{title} | {text}")
    return facts


def _questions(
    path: Path, split: str, num_facts: int, entities: Mapping[str, None], problems: list[str]
) -> tuple[Asked, ...]:
    asked = []
    for number, _, line in numbered_lines(path, problems):
        text, *answers = line.split("\t")
        if len(answers) != 1 or not text.strip() or not answers[0].strip():
            problems.append(f"{path}:{number}: a question goes on with its answers, after a tab")
            continue
        words = [" ".join(tokenise(each)) or each.lower() for each in parted(answers[0], entities)]
        example_id = f"wikimovies:{split}:{number}"
        answered = tuple(dict.fromkeys(words))
        asked.append(Asked(example_id, "wikimovies", text, 0, num_facts, answered, None))
    return tuple(asked)


def parted(text: str, entities: Mapping[str, None]) -> list[str]:
    """Names between commas, of which some have commas themselves.

    Args:
        text: `Monsters, Inc., Up`.
        entities: words of all names; the text is parted so that it consists of the longest of them
            from left to right, and at every comma where it does not consist of them.
    """
    pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
    ends: list[tuple[int, list[str]]] = [(0, [])]
    tried: set[int] = set()
    while ends:
        at, names = ends.pop()
        if at == len(pieces):
            return names
        if at in tried:
            continue
        tried.add(at)
        for end in range(at + 1, len(pieces) + 1):  # the last that is added is looked at first
            name = ", ".join(pieces[at:end])
            if " ".join(tokenise(name)) in entities:
                ends.append((end, [*names, name]))
    return pieces
