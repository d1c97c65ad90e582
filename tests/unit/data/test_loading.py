"""Batches in a planned order, from any position of any epoch."""

import random
from typing import Any

import pytest
import torch

from seqlab.data import loading
from seqlab.data.loading import ResumableLoader


class Shuffled:
    """Ten examples in batches of three, in another order in each epoch."""

    def batches(self, epoch: int) -> list[list[int]]:
        order = list(range(10))
        random.Random(f"order {epoch}").shuffle(order)
        return [order[i : i + 3] for i in range(0, 10, 3)]


class Keys(torch.utils.data.Dataset[tuple[int, int]]):
    """Gives back the key it is asked for."""

    def __getitem__(self, key: tuple[int, int]) -> tuple[int, int]:
        return key


def loader(num_workers: int = 0, plan: Any = None) -> ResumableLoader:
    return ResumableLoader(Keys(), plan or Shuffled(), list, num_workers=num_workers)


def expected(epoch: int) -> list[list[tuple[int, int]]]:
    return [[(epoch, index) for index in batch] for batch in Shuffled().batches(epoch)]


@pytest.mark.parametrize("num_workers", [0, 2])
def test_every_epoch_has_its_own_order(num_workers: int) -> None:
    batches = loader(num_workers)
    for epoch in (0, 1, 2):
        batches.set_epoch(epoch)
        assert list(batches) == expected(epoch)
    assert expected(0) != expected(1)


def test_the_epoch_is_the_one_set_after_the_iterator_was_made() -> None:
    batches = loader()
    iterator = iter(batches)
    batches.set_epoch(3)
    assert next(iterator) == expected(3)[0]


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("position", [0, 1, 3, 4])
def test_goes_on_where_the_state_was_taken(position: int, num_workers: int) -> None:
    first = loader(num_workers)
    first.set_epoch(2)
    iterator = iter(first)
    for _ in range(position):
        next(iterator)
    state = first.state_dict()
    assert state == {"epoch": 2, "batch": position}

    second = loader(num_workers)
    second.load_state_dict(state)
    second.set_epoch(2)  # as Lightning does
    iterator = iter(second)
    rest = expected(2)[position:]
    for done, batch in enumerate(rest, start=1):
        assert next(iterator) == batch
        assert second.state_dict() == {"epoch": 2, "batch": position + done}
    assert list(iterator) == []
    second.set_epoch(3)
    assert list(second) == expected(3)  # the next epoch from its start
    assert list(second) == expected(3)


def test_a_state_of_another_epoch_is_dropped() -> None:
    batches = loader()
    batches.load_state_dict({"epoch": 1, "batch": 2})
    batches.set_epoch(2)
    assert list(batches) == expected(2)


def test_what_was_fetched_ahead_does_not_count() -> None:
    batches = loader(num_workers=2)
    iterator = iter(batches)
    next(iterator)
    assert batches.state_dict()["batch"] == 1


@pytest.mark.parametrize("num_workers", [0, 1])
def test_iterating_leaves_the_global_generator_alone(num_workers: int) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    list(loader(num_workers))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("world_size", [2, 3, 7])
def test_processes_share_the_batches(monkeypatch: pytest.MonkeyPatch, world_size: int) -> None:
    shares = []
    for rank in range(world_size):
        monkeypatch.setattr(loading, "_place", lambda rank=rank: (rank, world_size))
        batches = loader()
        shares.append(list(batches))
        assert len(shares[-1]) == len(batches) == -(-4 // world_size)
    rounds = [batch for together in zip(*shares, strict=True) for batch in together]
    assert rounds[:4] == expected(0)
    again = expected(0) * 2
    assert rounds[4:] == again[: len(rounds) - 4]  # filled up from the first


def test_a_plan_whose_length_changes_is_refused() -> None:
    class Growing:
        def batches(self, epoch: int) -> list[list[int]]:
            return [[0]] * (epoch + 1)

    batches = loader(plan=Growing())
    batches.set_epoch(1)
    with pytest.raises(ValueError, match="2 batches in epoch 1 and 1 in epoch 0"):
        list(batches)


def test_an_empty_plan_is_an_empty_loader() -> None:
    class Nothing:
        def batches(self, epoch: int) -> list[list[int]]:
            return []

    assert len(loader(plan=Nothing())) == 0
    assert list(loader(plan=Nothing())) == []
