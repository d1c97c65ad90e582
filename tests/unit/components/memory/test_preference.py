"""Preferences among facts against loops over pairs of them."""

import numpy as np
import torch

from seqlab.components.memory.preference import Preference

TIMES = (4, 1, 0)  # of x in each row: newer than all, between them, older than the rest
LENGTHS = (4, 3, 2)


def preference() -> Preference:
    """Four candidates with times and one without, of which some are padding."""
    torch.manual_seed(0)
    scores, order = torch.randn(3, 5).double(), torch.randn(3, 3).double()
    after = torch.where(torch.tensor(TIMES).unsqueeze(1) < torch.arange(5), 1.0, -1.0)
    after[:, 4] = 0
    mask = torch.arange(5) < torch.tensor(LENGTHS).unsqueeze(1)
    mask[:2, 4] = True
    return Preference(scores, order, after.double(), mask)


def over(given: Preference, n: int, y: int, other: int) -> float:
    """s(x, y, y') by its words."""

    def feature(older: int, newer: int) -> float:
        return 1.0 if older < newer else -1.0

    x = TIMES[n]
    features = np.array(
        [
            feature(x, y) if y < 4 else 0,
            feature(x, other) if other < 4 else 0,
            feature(y, other) if max(y, other) < 4 else 0,
        ]
    )
    by_time = given.order[n].numpy() @ features
    return float(given.scores[n, y] - given.scores[n, other] + by_time)


def test_one_over_another() -> None:
    given = preference()
    for y in range(5):
        for other in range(5):
            pairs = given.over(torch.full((3, 1), y), torch.full((3, 1), other))
            for n in range(3):
                if y != other:
                    np.testing.assert_allclose(pairs[n, 0], over(given, n, y, other), rtol=1e-12)


def test_ranking_loss() -> None:
    given = preference()
    for true in (0, 1, 4):  # the last of them without a time
        loss = given.ranking_loss(torch.full((3,), true), 0.5)
        assert loss.any()
        for n in range(3):
            others = [f for f in range(5) if given.mask[n, f] and f != true]
            expected = sum(
                max(0, 0.5 - over(given, n, true, f)) + max(0, 0.5 + over(given, n, f, true))
                for f in others
            )
            np.testing.assert_allclose(loss[n], expected, rtol=1e-12)


def test_best_is_left_of_a_tournament() -> None:
    found = set()
    for seed in range(30):
        torch.manual_seed(seed)
        scores, order = torch.randn(3, 5).double(), torch.randn(3, 3).double()
        given = preference()._replace(scores=scores, order=order)
        best = given.best()
        for n in range(3):
            champion = 0
            for candidate in range(1, 5):
                if given.mask[n, candidate] and over(given, n, candidate, champion) > 0:
                    champion = candidate
            assert best[n] == champion
            found.add(champion)
    assert found == set(range(5))


def test_a_newer_fact_can_be_preferred_to_one_that_says_the_same() -> None:
    scores = torch.zeros(1, 3)
    after = torch.full((1, 3), -1.0)  # x is newer than all
    mask = torch.ones(1, 3, dtype=torch.bool)
    for sign, expected in ((-1.0, 2), (1.0, 0)):
        order = torch.tensor([[0.0, 0.0, sign]])
        assert Preference(scores, order, after, mask).best().item() == expected
