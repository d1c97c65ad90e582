"""Recency, time and hops against loops over stories and facts."""

import numpy as np
import pytest
import torch

from seqlab.components.memory.hops import read_memory
from seqlab.components.memory.temporal import TemporalEncoding, most_recent


def story(lengths: list[int], num_slots: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Facts [B, M, 2] whose words say which they are, counted from 1."""
    facts = torch.zeros(len(lengths), num_slots, 2, dtype=torch.long)
    for n, length in enumerate(lengths):
        facts[n, :length, 0] = torch.arange(1, length + 1)
    return facts, torch.tensor(lengths)


@pytest.mark.parametrize("size", [1, 3, 5, 9])
def test_most_recent(size: int) -> None:
    lengths = [5, 2, 0, 4]
    facts, num_facts = story(lengths, 6)
    recent = most_recent(facts, num_facts, size)
    for n, length in enumerate(lengths):
        kept = list(range(1, length + 1))[-size:]
        assert recent.num_facts[n] == len(kept)
        assert recent.facts[n, : len(kept), 0].tolist() == kept
        assert not recent.facts[n, len(kept) :].any()


def test_weights_go_back_to_where_the_facts_were() -> None:
    facts, num_facts = story([5, 2], 6)
    recent = most_recent(facts, num_facts, 3)
    weights = torch.tensor([[[0.1, 0.2, 0.7]], [[0.4, 0.6, 0.0]]])
    spread = recent.spread(weights, 6)
    assert spread[0, 0].tolist() == pytest.approx([0, 0, 0.1, 0.2, 0.7, 0])
    assert spread[1, 0].tolist() == pytest.approx([0.4, 0.6, 0, 0, 0, 0])


def encoding(noise: float = 0.0, memory_size: int = 4) -> TemporalEncoding:
    torch.manual_seed(0)
    return TemporalEncoding(memory_size=memory_size, embedding_dim=3, num_tables=2, noise=noise)


def test_time_counts_back_from_the_last_fact() -> None:
    """And no further than there are vectors."""
    layer = encoding(memory_size=4)
    lengths = [6, 2, 0]
    vectors = layer(torch.tensor(lengths), 6)
    for n, length in enumerate(lengths):
        for slot in range(length):
            expected = layer.weight[min(length - 1 - slot, 3)]
            torch.testing.assert_close(vectors[n, slot], expected)


def test_noise_leaves_memories_empty_at_random() -> None:
    """Each way to put n facts into n + e places, in order, is as likely as any other."""
    layer = encoding(noise=0.5)
    num_facts = torch.full((30000,), 3)
    torch.manual_seed(1)
    ages = layer.ages(num_facts, 4)[:, :3]  # the fourth slot is padding
    assert (ages[:, :-1] > ages[:, 1:]).all()
    found: dict[tuple[int, ...], int] = {}
    for row in ages.tolist():
        found[tuple(row)] = found.get(tuple(row), 0) + 1
    expected: dict[tuple[int, ...], float] = {}
    for e in range(3):  # 0.5 of 3 facts is up to 2, each as likely
        places = range(3 + e)
        ways = [(a, b, c) for a in places for b in places for c in places if a > b > c]
        for way in ways:
            expected[way] = expected.get(way, 0) + 1 / (3 * len(ways))
    assert found.keys() == expected.keys()
    for way, share in expected.items():
        assert found[way] / 30000 == pytest.approx(share, abs=0.01)


def test_noise_is_that_of_the_story_however_it_is_padded() -> None:
    """Most empty memories depend on a story's own length; an empty story has none."""
    layer = encoding(noise=0.1)
    ages = layer.ages(torch.tensor([20, 1, 0] * 200), 30).view(200, 3, 30)
    assert (ages[:, 0, 0] - 19).unique().tolist() == [0, 1, 2]
    assert (ages[:, 1, 0]).unique().tolist() == [0, 1]
    vectors = layer(torch.tensor([20, 1, 0]), 30)
    assert vectors.isfinite().all()


def test_no_noise_in_evaluation() -> None:
    layer = encoding(noise=0.5).eval()
    assert layer.ages(torch.tensor([3]), 3).tolist() == [[2, 1, 0]]


@pytest.mark.parametrize("choice", [{"memory_size": 0}, {"noise": -0.1}])
def test_refused_settings(choice: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at least"):
        TemporalEncoding(
            **{"memory_size": 2, "embedding_dim": 1, "num_tables": 1, "noise": 0.0, **choice}
        )


@pytest.mark.parametrize("num_empty", [None, (0, 3, 2)])
@pytest.mark.parametrize("linear", [None, False, True])
def test_read_memory(linear: bool | None, num_empty: tuple[int, ...] | None) -> None:
    torch.manual_seed(0)
    query, keys = torch.randn(3, 4).double(), torch.randn(3, 5, 4).double()
    values = torch.randn(3, 5, 4).double()
    lengths = [5, 2, 0]
    mask = torch.arange(5) < torch.tensor(lengths).unsqueeze(1)
    switch = None if linear is None else torch.tensor(linear)
    empty = None if num_empty is None else torch.tensor(num_empty)
    read = read_memory(query, keys, values, mask, switch, empty)
    for n, length in enumerate(lengths):
        elsewhere = 0 if num_empty is None else num_empty[n]  # times exp(0)
        p, o = np.zeros(5), np.zeros(4)
        scores = np.array([query[n].numpy() @ keys[n, i].numpy() for i in range(length)])
        total = np.exp(scores).sum() + elsewhere
        p[:length] = scores if linear else np.exp(scores) / max(total, 1e-9)
        for i in range(length):
            o += p[i] * values[n, i].numpy()
        np.testing.assert_allclose(read.weights[n], p, rtol=1e-12)
        np.testing.assert_allclose(read.output[n], o, rtol=1e-12, atol=1e-15)
        assert not read.weights[n, length:].any()
