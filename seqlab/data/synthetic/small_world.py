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

    def possible(self, action: Action) -> list[Event]:
        """The events of a kind that could be next."""
        found = []
        for person in PEOPLE:
            here = self.places[person][-1:]
            if action == "move":
                found += [Event(person, "move", place) for place in PLACES if [place] != here]
            elif action == "drop":
                found += [Event(person, "drop", thing) for thing in self.carried(person)]
            elif here:
                found += [
                    Event(person, "take", thing)
                    for thing in THINGS
                    if thing not in self.carrier and self.visited[thing][-1:] in ([], here)
                ]
        return found


def pick(generator: np.random.Generator, choices: Sequence[Choice]) -> Choice:
    """One of them by chance."""
    return choices[int(generator.integers(len(choices)))]


def simulate(generator: np.random.Generator, num_events: int, share_of_moves: float) -> World:
    """A world after events by chance.

    Args:
        generator: of the chance.
        num_events: how many happen.
        share_of_moves: of the events; the others are about things.
    """
    world = World()
    while len(world.events) < num_events:
        action: Action = "move"
        if generator.random() >= share_of_moves:
            action = "take" if generator.random() < 0.6 else "drop"
        if possible := world.possible(action):
            world.happen(pick(generator, possible))
    return world


def sentence(event: Event, generator: np.random.Generator) -> str:
    """An event as it is told, with a verb by chance."""
    verb = pick(generator, _VERBS[event.action])
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
