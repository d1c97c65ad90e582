"""Plans: every example once, in an order that seed and epoch alone decide."""

import numpy as np
import pytest

from seqlab.data.plans import (
    ByImage,
    FactBuckets,
    LengthBuckets,
    Plan,
    Sequential,
    SortedTokens,
    TokenBuckets,
)

LENGTHS = np.random.default_rng(0).integers(3, 30, size=503).tolist()
IMAGES = [image for image in range(100) for _ in range(5 if image % 3 else 4)]


def _plans(seed: int) -> list[Plan]:
    return [
        LengthBuckets(LENGTHS, batch_size=32, seed=seed),
        ByImage(IMAGES, batch_size=32, seed=seed),
        Sequential(IMAGES, batch_size=32),
    ]


@pytest.mark.parametrize("which", range(3))
def test_every_example_once_in_as_many_batches(which: int) -> None:
    plan = _plans(1)[which]
    count = len(LENGTHS) if which == 0 else len(IMAGES)
    num_batches = {len(plan.batches(epoch)) for epoch in range(5)}
    assert len(num_batches) == 1
    for epoch in range(3):
        batches = plan.batches(epoch)
        assert sorted(index for batch in batches for index in batch) == list(range(count))
        assert all(0 < len(batch) <= 32 for batch in batches)


@pytest.mark.parametrize("which", range(2))
def test_order_is_a_function_of_seed_and_epoch(which: int) -> None:
    plan = _plans(1)[which]
    first = plan.batches(0)
    assert plan.batches(1) != first
    assert plan.batches(0) == first
    assert _plans(1)[which].batches(1) == plan.batches(1)
    assert _plans(2)[which].batches(0) != first


def test_lengths_of_a_batch_are_close() -> None:
    plan = LengthBuckets(LENGTHS, batch_size=32, seed=0)
    lengths = [[LENGTHS[index] for index in batch] for batch in plan.batches(0)]
    padding = sum(max(batch) * len(batch) - sum(batch) for batch in lengths)
    assert padding < 0.06 * sum(LENGTHS)
    # between batches, chance: not sorted by length
    means = [np.mean(batch) for batch in lengths]
    assert abs(np.corrcoef(means, range(len(means)))[0, 1]) < 0.6
    # within a length, chance: companions change from epoch to epoch
    companions = [{frozenset(batch) for batch in plan.batches(epoch)} for epoch in (0, 1)]
    assert len(companions[0] & companions[1]) < 3


@pytest.mark.parametrize("which", [1, 2])
def test_captions_of_an_image_stay_together(which: int) -> None:
    for batch in _plans(0)[which].batches(2):
        assert len(batch) > 8  # several images, but for what is left at the end
        images = [IMAGES[index] for index in batch]
        assert all(images.count(image) == IMAGES.count(image) for image in set(images))


def test_sequential_keeps_the_order() -> None:
    batches = Sequential(IMAGES, batch_size=32).batches(9)
    assert [index for batch in batches for index in batch] == list(range(len(IMAGES)))


def test_more_captions_than_a_batch_holds_still_go_together() -> None:
    assert Sequential([0, 0, 0, 1], batch_size=2).batches(0) == [[0, 1, 2], [3]]
    assert Sequential([], batch_size=2).batches(0) == []


SOURCES = np.random.default_rng(1).integers(2, 30, size=2003)
TARGETS = np.maximum(2, SOURCES + np.random.default_rng(2).integers(-4, 5, size=2003))


def _token_plan(seed: int = 1, batch_tokens: int = 300) -> TokenBuckets:
    return TokenBuckets(SOURCES.tolist(), TARGETS.tolist(), batch_tokens=batch_tokens, seed=seed)


def _sorted_plan(batch_tokens: int = 300) -> SortedTokens:
    return SortedTokens(SOURCES.tolist(), TARGETS.tolist(), batch_tokens=batch_tokens)


@pytest.mark.parametrize("batch_tokens", [1, 29, 300, 10**9])
@pytest.mark.parametrize("make", [_token_plan, _sorted_plan])
def test_every_pair_once_and_no_batch_over_the_limit(make: type, batch_tokens: int) -> None:
    plan = make(batch_tokens=batch_tokens)
    assert len({len(plan.batches(epoch)) for epoch in range(4)}) == 1
    for epoch in range(3):
        batches = plan.batches(epoch)
        assert sorted(index for batch in batches for index in batch) == list(range(2003))
        for batch in batches:
            longest = max(SOURCES[batch].max(), TARGETS[batch].max())
            # A pair that is longer by itself has a batch of its own.
            assert longest * len(batch) <= batch_tokens or len(batch) == 1


def test_token_batches_are_full_and_little_is_padding() -> None:
    for plan in (_token_plan(), _sorted_plan()):
        batches = plan.batches(0)
        for lengths in (SOURCES, TARGETS):
            padded = sum(int(lengths[batch].max()) * len(batch) for batch in batches)
            assert padded < 1.15 * lengths.sum()
        assert len(batches) < 1.25 * max(SOURCES.sum(), TARGETS.sum()) / 300


def test_order_of_token_batches_is_a_function_of_seed_and_epoch() -> None:
    plan = _token_plan()
    first = plan.batches(0)
    assert plan.batches(1) != first
    assert plan.batches(0) == first
    assert _token_plan().batches(1) == plan.batches(1)
    assert _token_plan(seed=2).batches(0) != first
    # in no order of length, and in other company each epoch
    means = [TARGETS[batch].mean() for batch in first]
    assert abs(np.corrcoef(means, range(len(means)))[0, 1]) < 0.4
    companions = [{frozenset(batch) for batch in plan.batches(epoch)} for epoch in (0, 1)]
    assert len(companions[0] & companions[1]) < len(first) / 4


def test_sorted_tokens_begin_with_the_longest() -> None:
    plan = SortedTokens([3, 9, 5, 9], [4, 2, 20, 7], batch_tokens=20)
    assert plan.batches(0) == plan.batches(5) == [[3, 1], [2], [0]]
    assert SortedTokens([], [], batch_tokens=20).batches(0) == []
    assert TokenBuckets([], [], batch_tokens=20, seed=0).batches(0) == []


FACTS = np.random.default_rng(2).integers(1, 60, size=403).tolist()


def _facts(seed: int, bounds: tuple[int, ...] = (10, 20, 50)) -> FactBuckets:
    return FactBuckets(FACTS, bounds=bounds, batch_size=32, seed=seed)


@pytest.mark.parametrize("bounds", [(), (10, 20, 50), (0, 5, 99), (1,)])
def test_buckets_have_every_question_once_between_two_bounds(bounds: tuple[int, ...]) -> None:
    plan = _facts(1, bounds)
    for epoch in range(3):
        batches = plan.batches(epoch)
        assert sorted(index for batch in batches for index in batch) == list(range(len(FACTS)))
        assert len(batches) == len(plan.batches(0))
        for batch in batches:
            assert 0 < len(batch) <= 32
            assert len({sum(FACTS[index] > bound for bound in bounds) for index in batch}) == 1


def test_buckets_are_filled_by_seed_and_epoch() -> None:
    assert _facts(1).batches(3) == _facts(1).batches(3)
    assert _facts(1).batches(3) != _facts(1).batches(4)
    assert _facts(1).batches(3) != _facts(2).batches(3)
    first, second = (set(map(frozenset, _facts(1).batches(epoch))) for epoch in (0, 1))
    assert not first & second
