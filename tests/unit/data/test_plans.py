"""Plans: every example once, in an order that seed and epoch alone decide."""

import numpy as np
import pytest

from seqlab.data.plans import ByImage, LengthBuckets, Plan, Sequential

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
