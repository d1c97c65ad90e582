"""Generated stories of people, places and things, and questions whose answers follow from them."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from seqlab.data.errors import DataError
from seqlab.data.question_sources import SPLITS, Asked, QuestionSource, Told
from seqlab.data.synthetic.small_world import (
    PEOPLE,
    PLACES,
    THINGS,
    Chance,
    World,
    sentence,
    simulate,
    state,
)

_PATIENCE = 5000  # stories in a row that had no question of the kind, or had been drawn before
_NUMBERS = ("none", "one", "two", "three")


class Query(NamedTuple):
    """A question about a world."""

    text: str
    answer: str
    kind: str  # of the answer
    supporting: tuple[int, ...]  # events that the answer needs, in the order of need


def one_fact(world: World) -> list[Query]:
    """Where somebody is."""
    return [
        Query(
            f"Where is {person.capitalize()}?", places[-1], places[-1], (world.moves[person][-1],)
        )
        for person, places in world.places.items()
        if places
    ]


def two_facts(world: World) -> list[Query]:
    """Where a thing is: who has it or put it down, and where that is."""
    found = []
    for thing, number in world.touched.items():
        moves = world.moves[world.events[number].person]
        move = max(n for n in moves if thing in world.carrier or n < number)
        place = world.events[move].object
        found.append(Query(f"Where is the {thing}?", place, place, (number, move)))
    return found


def three_facts(world: World) -> list[Query]:
    """Where a thing was before: who took it, the place before and the place after."""
    found = []
    for thing, person in world.carrier.items():
        moves, taken = world.moves[person], world.touched[thing]
        *before, here = world.visited[thing]
        # A second visit of a place would make it uncertain which one is meant.
        if taken < moves[-1] and here not in before:
            text = f"Where was the {thing} before the {here}?"
            found.append(Query(text, before[-1], before[-1], (taken, *moves[-2:])))
    return found


def yes_no(world: World) -> list[Query]:
    """Whether somebody is in a place."""
    found = []
    for person, places in world.places.items():
        for place in PLACES if places else ():
            text = f"Is {person.capitalize()} in the {place}?"
            answer = "yes" if place == places[-1] else "no"
            found.append(Query(text, answer, answer, (world.moves[person][-1],)))
    return found


def counting(world: World) -> list[Query]:
    """How many things somebody carries who has touched any."""
    found = []
    for person in PEOPLE:
        text = f"How many things is {person.capitalize()} carrying?"
        number = _NUMBERS[len(world.carried(person))]
        found.append(Query(text, number, number, tuple(world.handled[person])))
    return [query for query in found if query.supporting]


def lists(world: World) -> list[Query]:
    """What somebody carries who has touched any thing, in the order of the alphabet."""
    found = []
    for person in PEOPLE:
        text = f"What is {person.capitalize()} carrying?"
        things = world.carried(person)
        answer = ",".join(things) or "nothing"
        found.append(Query(text, answer, _NUMBERS[len(things)], tuple(world.handled[person])))
    return [query for query in found if query.supporting]


class Kind(NamedTuple):
    """A kind of question."""

    queries: Callable[[World], list[Query]]
    answers: Sequence[str]  # kinds of answers, each asked for equally often
    num_people: int
    num_events: tuple[int, int]  # least and most of a story
    share_of_moves: float


_AMOUNTS = _NUMBERS[: len(THINGS) + 1]
KINDS = {
    "one_fact": Kind(one_fact, PLACES, 4, (2, 8), 1.0),
    "two_facts": Kind(two_facts, PLACES, 3, (3, 9), 0.6),
    "three_facts": Kind(three_facts, PLACES, 2, (4, 10), 0.6),
    "yes_no": Kind(yes_no, ("yes", "no"), 4, (2, 8), 1.0),
    "counting": Kind(counting, _AMOUNTS, 2, (3, 10), 0.3),
    "lists": Kind(lists, _AMOUNTS, 2, (3, 10), 0.3),
}


class Stories(QuestionSource):
    """Stories of a small world with one question each, all of them different.

    Args:
        told: what the facts are: `events` in sentences, of which the supporting ones are known, or
            the `state` they lead to, as triples of a knowledge base in an order by chance.
        num_train: questions of each kind to train on.
        num_val: questions of each kind to validate on.
        num_test: questions of each kind to test on.
        seed: what the stories are a function of. It is not the run's, so that all seeds of an
            experiment see the same data.
    """

    tasks = tuple(KINDS)

    def __init__(
        self,
        *,
        told: Literal["events", "state"],
        num_train: int,
        num_val: int,
        num_test: int,
        seed: int,
    ) -> None:
        self.told = told
        # The test split is drawn first: more or less to train on leaves it as it is.
        self.sizes = {"test": num_test, "val": num_val, "train": num_train}
        self.seed = seed

    def read(self, tasks: Sequence[str]) -> Told:
        facts: list[str] = []
        splits: dict[str, list[Asked]] = {split: [] for split in SPLITS}
        for task in tasks:
            # Of each kind by itself, so that it has the same stories alone and among others.
            seeds = [self.seed, 40, self.tasks.index(task)]
            chance = Chance(np.random.default_rng(seeds))
            drawn: set[tuple[str, ...]] = set()
            for split, size in self.sizes.items():
                for number in range(1, size + 1):
                    told, query = self._new(task, chance, drawn)
                    asked = Asked(
                        example_id=f"{task}:{split}:{number}",
                        task=task,
                        text=query.text,
                        first=len(facts),
                        last=len(facts) + len(told),
                        answers=(query.answer,),
                        supporting=query.supporting if self.told == "events" else None,
                    )
                    splits[split].append(asked)
                    facts += told
        return Told(
            tuple(facts), {split: tuple(asked) for split, asked in splits.items()}, tuple(tasks)
        )

    def _new(
        self, task: str, chance: Chance, drawn: set[tuple[str, ...]]
    ) -> tuple[list[str], Query]:
        """What is told, and a question of a kind, that were not drawn before."""
        kind = KINDS[task]
        wanted = chance.pick(kind.answers)
        for _ in range(_PATIENCE):
            world = simulate(
                chance,
                people=chance.shuffled(PEOPLE)[: kind.num_people],
                num_events=chance.pick(range(kind.num_events[0], kind.num_events[1] + 1)),
                share_of_moves=kind.share_of_moves,
            )
            queries = [query for query in kind.queries(world) if query.kind == wanted]
            if not queries:
                continue
            query, told = chance.pick(queries), self._tell(world, chance)
            if (*told, query.text) not in drawn:
                drawn.add((*told, query.text))
                return told, query
        problem = (
            f"there are hardly more than {len(drawn):,} stories with a question {task}, "
            f"{sum(self.sizes.values()):,} were asked for"
        )
        raise DataError([problem], "ask for fewer: data.source.num_train and others")

    def _tell(self, world: World, chance: Chance) -> list[str]:
        if self.told == "events":
            return [sentence(event, chance) for event in world.events]
        return chance.shuffled(state(world))
