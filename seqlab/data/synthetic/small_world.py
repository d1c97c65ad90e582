"""A small world of people, places and things: what happens in it, and what is true afterwards."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeVar

import numpy as np

PEOPLE = ("anna", "ben", "clara", "david")
PLACES = ("attic", "cellar", "garden", "kitchen", "library")
THINGS = ("apple", "book", "lamp")

Action = Literal["move", "take", "drop"]
Choice = TypeVar("Choice")

_VERBS: dict[Action, tuple[str, ...]] = {
    "move": ("went to", "walked to", "ran to"),
    "take": ("took", "grabbed", "picked up"),
    "drop": ("dropped", "put down"),
}


_IN = ("is_in", "was_in")  # the present place, the one before
_CARRYING = "is_carrying"


class Event(NamedTuple):
    """Somebody does something."""

    person: str
    action: Action
    object: str  # a place, or a thing


class World:
    """What is true after some events.

    At first nobody has been seen anywhere. A thing that nobody has touched may be found in any
    place; later it is where it was put down.

    Attributes:
        events: what has happened; what follows names them by their numbers.
        moves: by which each person came to where he or she was.
        handled: in which each person took or put down something.
        touched: in which each thing was last taken or put down.
        places: where each person has been, the last place being the present one.
        visited: where each thing has been.
        carrier: who has each thing that is carried.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.moves: dict[str, list[int]] = {person: [] for person in PEOPLE}
        self.handled: dict[str, list[int]] = {person: [] for person in PEOPLE}
        self.touched: dict[str, int] = {}
        self.places: dict[str, list[str]] = {person: [] for person in PEOPLE}
        self.visited: dict[str, list[str]] = {thing: [] for thing in THINGS}
        self.carrier: dict[str, str] = {}

    def happen(self, event: Event) -> None:
        """Go on to what is true after one more event."""
        person, number = event.person, len(self.events)
        self.events.append(event)
        if event.action == "move":
            self.moves[person].append(number)
            self.places[person].append(event.object)
            for thing in self.carried(person):
                self.visited[thing].append(event.object)
            return
        self.handled[person].append(number)
        self.touched[event.object] = number
        if event.action == "drop":
            del self.carrier[event.object]
            return
        self.carrier[event.object] = person
        here, visited = self.places[person][-1], self.visited[event.object]
        if visited[-1:] != [here]:
            visited.append(here)

    def carried(self, person: str) -> list[str]:
        """What somebody carries, in the order of the alphabet."""
        return [thing for thing in THINGS if self.carrier.get(thing) == person]

    def within_reach(self, person: str) -> list[str]:
        """What somebody could take."""
        here = self.places[person][-1:]
        return [
            thing
            for thing in THINGS
            if here and thing not in self.carrier and self.visited[thing][-1:] in ([], here)
        ]


class Chance:
    """Choices by chance, cheaper than those of a generator, which draws many numbers at once.

    Args:
        generator: draws the numbers.
    """

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator
        self._numbers: list[float] = []

    def number(self) -> float:
        """A number from 0 to less than 1."""
        if not self._numbers:
            self._numbers = self.generator.random(4096).tolist()
        return self._numbers.pop()

    def pick(self, choices: Sequence[Choice]) -> Choice:
        """One of them."""
        return choices[int(self.number() * len(choices))]

    def shuffled(self, choices: Sequence[Choice]) -> list[Choice]:
        """All of them in another order."""
        return sorted(choices, key=lambda _: self.number())


def simulate(
    chance: Chance, *, people: Sequence[str], num_events: int, share_of_moves: float
) -> World:
    """A world after events by chance.

    Args:
        chance: makes the choices.
        people: who acts.
        num_events: how many events there are.
        share_of_moves: of the events; of the others, as many take as put down where both can be.
    """
    world = World()
    while len(world.events) < num_events:
        if chance.number() < share_of_moves:
            event = _move(world, chance, people)
        elif world.carrier and chance.number() < 0.5:
            thing = chance.pick([*world.carrier])
            event = Event(world.carrier[thing], "drop", thing)
        else:
            found = [Event(p, "take", thing) for p in people for thing in world.within_reach(p)]
            event = chance.pick(found) if found else _move(world, chance, people)
        world.happen(event)
    return world


def _move(world: World, chance: Chance, people: Sequence[str]) -> Event:
    person = chance.pick(people)
    here = world.places[person][-1:]
    return Event(person, "move", chance.pick([place for place in PLACES if [place] != here]))


def sentence(event: Event, chance: Chance) -> str:
    """An event as it is told, with a verb by chance."""
    verb = chance.pick(_VERBS[event.action])
    return f"{event.person.capitalize()} {verb} the {event.object}."


def state(world: World) -> list[str]:
    """What is true of people and things now and just before, as triples of a knowledge base."""
    facts = []
    for person in PEOPLE:
        facts += [f"{person} {_IN[n]} {p}" for n, p in enumerate(world.places[person][:-3:-1])]
        facts += [f"{person} {_CARRYING} {thing}" for thing in world.carried(person)]
    for thing in THINGS:
        if thing not in world.carrier:
            visited = world.visited[thing][:-3:-1]
            facts += [f"{thing} {_IN[n]} {place}" for n, place in enumerate(visited)]
    return facts
