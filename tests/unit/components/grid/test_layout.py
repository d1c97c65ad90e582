"""Slots and waves against their definition."""

import itertools

import pytest

from seqlab.components.grid.layout import lay_out

SHAPES = [
    ((4,), (False,)),
    ((4,), (True,)),
    ((3, 4), (False, False)),
    ((5, 3), (False, True)),
    ((3, 2), (True, True)),
    ((2, 3, 4), (False, False, False)),
    ((4, 4, 2), (False, False, True)),
    ((2, 3, 2), (True, False, True)),
]


@pytest.mark.parametrize(("extents", "untied"), SHAPES)
def test_a_wave_holds_the_blocks_with_one_sum(
    extents: tuple[int, ...], untied: tuple[bool, ...]
) -> None:
    found = lay_out(extents, untied)
    taken = set()
    assert len(found.waves) == sum(extents) - len(extents) + 1
    for place in itertools.product(*map(range, extents)):
        slot, wave = int(found.slots[place]), found.waves[sum(place)]
        assert wave.first_slot <= slot < wave.first_slot + wave.num_slots
        assert found.wave_of_slot[slot] == sum(place)
        taken.add(slot)
    assert len(taken) == found.slots.size


@pytest.mark.parametrize(("extents", "untied"), SHAPES)
def test_blocks_with_the_same_weights_stand_together(
    extents: tuple[int, ...], untied: tuple[bool, ...]
) -> None:
    """At the place in their wave of the set of weights that their untied coordinates name."""
    found = lay_out(extents, untied)
    sets: dict[int, tuple[int, ...]] = {}
    for place in itertools.product(*map(range, extents)):
        wave = found.waves[sum(place)]
        size = wave.num_slots // wave.num_sets
        number = wave.first_set + (int(found.slots[place]) - wave.first_slot) // size
        own = tuple(at for at, is_untied in zip(place, untied, strict=True) if is_untied)
        assert sets.setdefault(number, own) == own
    sums = [sum(sets[number]) for number in sorted(sets)]
    assert sums == sorted(sums)


def test_a_tied_grid_wastes_no_slot() -> None:
    assert lay_out((5, 7), (False, False)).num_slots == 35
    assert lay_out((2, 3, 4), (False, False, False)).num_slots == 24
    assert lay_out((20, 50), (False, True)).num_slots == 1000
