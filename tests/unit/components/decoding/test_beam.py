"""Beam search against enumeration and against the same search in plain Python."""

import math

import pytest
import torch
from torch import Tensor

from seqlab.components.decoding.beam import Beam
from seqlab.components.decoding.greedy import Greedy
from seqlab.components.decoding.interface import Hypotheses
from tests.unit.components.decoding import markov
from tests.unit.components.decoding.markov import END, START, MarkovMemory


def beam(**changes: float) -> Beam:
    settings = {
        "beam_size": 3,
        "num_best": 1,
        "length_penalty": 0.0,
        "coverage_penalty": 0.0,
        "max_length": 4,
    }
    return Beam(**{**settings, **changes})


def score(
    memory: MarkovMemory, row: int, tokens: tuple[int, ...], alpha: float, beta: float
) -> float:
    """Equation 14 of Wu et al. (2016), written with loops."""
    normal = (5 + len(tokens)) ** alpha / (5 + 1) ** alpha
    total = markov.log_probability(memory, row, tokens) / normal
    attention = markov.weights_along(memory, row, tokens)
    for location in range(attention.shape[1]):
        covered = float(attention[:, location].sum())
        if covered > 0:
            total += beta * math.log(min(covered, 1.0))
    return total


def best_by_enumeration(
    memory: MarkovMemory, row: int, max_length: int, alpha: float, beta: float
) -> list[tuple[tuple[int, ...], float]]:
    found = markov.all_sequences(memory.transitions.shape[2], max_length)
    ranked = [(tokens, score(memory, row, tokens, alpha, beta)) for tokens in found]
    return sorted(ranked, key=lambda pair: -pair[1])


def naive_beam(
    memory: MarkovMemory, row: int, search: Beam, banned: tuple[int, ...] = ()
) -> list[tuple[tuple[int, ...], float]]:
    """One input, lists of tuples, always to the maximum length: no early stop to get wrong."""
    alpha, beta = search.length_penalty, search.coverage_penalty
    live: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
    done: list[tuple[tuple[int, ...], float]] = []
    for length in range(1, search.max_length + 1):
        grown = []
        for tokens, total in live:
            scores = markov.lookup(memory.transitions, row, tokens).tolist()
            gains = [(gain, token) for token, gain in enumerate(scores)]
            gains = [pair for pair in gains if pair[1] not in banned]
            gains.sort(key=lambda pair: (-pair[0], pair[1]))
            grown += [((*tokens, token), total + gain) for gain, token in gains]
        grown.sort(key=lambda pair: -pair[1])  # stable: the likelier prefix, then the token
        for tokens, _ in grown[: search.beam_size]:
            if tokens[-1] == END or length == search.max_length:
                done.append((tokens, score(memory, row, tokens, alpha, beta)))
        live = [pair for pair in grown if pair[0][-1] != END][: search.beam_size]
    done.sort(key=lambda pair: -pair[1])
    return done[: search.num_best]


def sequences(found: Hypotheses, row: int) -> list[tuple[int, ...]]:
    pairs = zip(found.tokens[row].tolist(), found.lengths[row].tolist(), strict=True)
    return [tuple(tokens[:length]) for tokens, length in pairs]


PENALTIES = [(0.0, 0.0), (0.6, 0.0), (2.0, 0.0), (0.0, 0.3), (1.0, 0.2)]


@pytest.mark.parametrize(("alpha", "beta"), PENALTIES)
def test_a_beam_wide_enough_finds_the_best_of_all_sequences(alpha: float, beta: float) -> None:
    state, memory = markov.model(1, batch_size=4)
    search = beam(beam_size=128, num_best=6, length_penalty=alpha, coverage_penalty=beta)
    found = search(markov.step, state, memory, start_id=START, end_id=END)
    for row in range(4):
        expected = best_by_enumeration(memory, row, 4, alpha, beta)[:6]
        assert sequences(found, row) == [tokens for tokens, _ in expected]
        assert found.scores[row].tolist() == pytest.approx([value for _, value in expected])
        own = [markov.log_probability(memory, row, tokens) for tokens, _ in expected]
        assert found.log_probabilities[row].tolist() == pytest.approx(own)


@pytest.mark.parametrize(("alpha", "beta"), PENALTIES)
@pytest.mark.parametrize(("beam_size", "num_best"), [(1, 1), (2, 1), (3, 3), (5, 2)])
def test_narrow_beams_equal_the_naive_search(
    alpha: float, beta: float, beam_size: int, num_best: int
) -> None:
    search = beam(
        beam_size=beam_size,
        num_best=num_best,
        length_penalty=alpha,
        coverage_penalty=beta,
        max_length=7,
    )
    for seed in range(12):
        state, memory = markov.model(seed, batch_size=5, vocab_size=6, num_steps=7)
        found = search(markov.step, state, memory, start_id=START, end_id=END, banned_ids=[START])
        for row in range(5):
            expected = naive_beam(memory, row, search, banned=(START,))
            assert sequences(found, row) == [tokens for tokens, _ in expected]
            assert found.scores[row].tolist() == pytest.approx([value for _, value in expected])


def test_weights_follow_the_winning_hypotheses() -> None:
    for seed in range(10):
        state, memory = markov.model(seed, batch_size=3, vocab_size=6, num_steps=7)
        search = beam(beam_size=4, num_best=3, max_length=7, length_penalty=0.5)
        found = search(markov.step, state, memory, start_id=START, end_id=END)
        assert found.weights is not None
        for row in range(3):
            for rank, tokens in enumerate(sequences(found, row)):
                expected = markov.weights_along(memory, row, tokens)
                assert torch.equal(found.weights[row, rank, : len(tokens)], expected)
                assert not found.weights[row, rank, len(tokens) :].any()
                assert (found.tokens[row, rank, len(tokens) :] == END).all()


def test_beam_of_one_is_greedy() -> None:
    for seed in range(20):
        state, memory = markov.model(seed, batch_size=4, vocab_size=5, num_steps=6)
        kept = {"start_id": START, "end_id": END}
        one = beam(beam_size=1, max_length=6)(markov.step, state, memory, **kept)
        greedy = Greedy(max_length=6)(markov.step, state, memory, **kept)
        for left, right in zip(one, greedy, strict=True):
            torch.testing.assert_close(left, right, rtol=0, atol=1e-12)


def test_a_batch_equals_its_inputs_one_by_one() -> None:
    _, memory = markov.model(5, batch_size=6, vocab_size=6, num_steps=8)
    search = beam(num_best=2, max_length=8, length_penalty=0.7, coverage_penalty=0.1)
    together = search(markov.step, markov.start(memory), memory, start_id=START, end_id=END)
    for row in range(6):
        one = MarkovMemory(*(part[row : row + 1] for part in memory[:2]))
        alone = search(markov.step, markov.start(one), one, start_id=START, end_id=END)
        num_steps = alone.tokens.shape[2]
        assert torch.equal(together.tokens[row, :, :num_steps], alone.tokens[0])
        assert (together.tokens[row, :, num_steps:] == END).all()
        assert torch.equal(together.lengths[row], alone.lengths[0])
        assert torch.equal(together.scores[row], alone.scores[0])
        assert torch.equal(together.log_probabilities[row], alone.log_probabilities[0])
        assert torch.equal(together.weights[row, :, :num_steps], alone.weights[0])


def test_padded_locations_change_no_score() -> None:
    state, memory = markov.model(5, batch_size=2)
    padded = memory._replace(attention=torch.nn.functional.pad(memory.attention, (0, 3)))
    search = beam(coverage_penalty=0.4)
    kept = {"start_id": START, "end_id": END}
    plain = search(markov.step, state, memory, **kept)
    more = search(markov.step, markov.start(padded), padded, **kept)
    assert torch.equal(plain.tokens, more.tokens)
    torch.testing.assert_close(plain.scores, more.scores, rtol=1e-14, atol=0)


def test_it_stops_as_soon_as_nothing_can_change() -> None:
    state, memory = markov.model(0, batch_size=2, num_steps=9)
    transitions = memory.transitions.clone()
    transitions[:, 2:] = torch.tensor([0.001, 0.997, 0.001, 0.001]).double().log()
    transitions[:, :2, ..., END] = -20.0
    steps = 0

    def counted(*arguments: object) -> object:
        nonlocal steps
        steps += 1
        return markov.step(*arguments)

    memory = memory._replace(transitions=transitions)
    beam(max_length=9)(counted, state, memory, start_id=START, end_id=END)
    assert steps == 3


def test_inputs_that_are_done_leave_the_batch() -> None:
    _, memory = markov.model(0, batch_size=8, num_steps=9)
    ending = torch.tensor([0.001, 0.997, 0.001, 0.001]).double().log()
    growing = torch.tensor([0.5, 1e-9, 0.3, 0.2 - 1e-9]).double().log()
    transitions = growing + 0.01 * memory.transitions
    for row, length in enumerate([9, 2, 2, 9, 4, 2, 6, 2]):  # steps after which each is done
        transitions[row, length - 1 :] = ending
    memory = memory._replace(transitions=transitions)
    sizes: list[int] = []

    def counted(tokens: Tensor, *rest: object) -> object:
        sizes.append(len(tokens))
        return markov.step(tokens, *rest)

    search = beam(max_length=9, num_best=2)
    found = search(counted, markov.start(memory), memory, start_id=START, end_id=END)
    assert sizes == [8, *(3 * count for count in (8, 4, 4, 4, 4, 2, 2, 2))]
    for row in range(8):
        expected = naive_beam(memory, row, search)
        assert sequences(found, row) == [tokens for tokens, _ in expected]
        for rank, (tokens, _) in enumerate(expected):
            along = markov.weights_along(memory, row, tokens)
            assert torch.equal(found.weights[row, rank, : len(tokens)], along)


def test_banned_tokens_are_never_chosen() -> None:
    state, memory = markov.model(2, batch_size=8, vocab_size=5)
    found = beam(num_best=3)(
        markov.step, state, memory, start_id=START, end_id=END, banned_ids=(0, 3)
    )
    for row in range(8):
        assert not {0, 3} & {token for tokens in sequences(found, row) for token in tokens}


def test_ties_go_to_the_lower_token_and_the_likelier_prefix() -> None:
    # Halves and quarters are exact, so that many sums are equal.
    shares = torch.tensor([0.25, 0.25, 0.25, 0.125, 0.125]).double().log2()
    transitions = shares.expand(1, 5, 5, 5, 5)
    memory = MarkovMemory(transitions, torch.full((1, 5, 5, 5, 2), 0.5).double())
    for settings in ({"num_best": 3}, {"beam_size": 2}, {"num_best": 2, "length_penalty": 1.0}):
        search = beam(max_length=5, **settings)
        found = search(markov.step, markov.start(memory), memory, start_id=START, end_id=END)
        assert sequences(found, 0) == [tokens for tokens, _ in naive_beam(memory, 0, search)]


def test_slots_without_a_hypothesis_are_empty() -> None:
    state, memory = markov.model(2, vocab_size=3)
    found = beam(beam_size=5, num_best=5, max_length=1)(
        markov.step, state, memory, start_id=START, end_id=END, banned_ids=[START]
    )
    assert found.lengths.tolist() == [[1, 1, 0, 0, 0]]
    assert found.scores[0, 2:].tolist() == [-math.inf] * 3
    assert (found.tokens[0, 2:] == END).all()
    assert not found.weights[0, 2:].any()


def test_a_state_without_attention_has_no_weights() -> None:
    state, memory = markov.model(4, batch_size=2)
    kept = {"start_id": START, "end_id": END}
    found = beam()(markov.plain_step, state.place, memory, **kept)
    assert found.weights is None
    assert torch.equal(found.tokens, beam()(markov.step, state, memory, **kept).tokens)
    with pytest.raises(ValueError, match="coverage_penalty needs attention"):
        beam(coverage_penalty=0.1)(markov.plain_step, state.place, memory, **kept)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"num_best": 4}, "num_best is from 1 to beam_size"),
        ({"beam_size": 0, "num_best": 0}, "num_best is from 1"),
        ({"length_penalty": -0.1}, "0 or more"),
        ({"coverage_penalty": -0.1}, "0 or more"),
        ({"max_length": 0}, "max_length is at least 1"),
    ],
)
def test_settings_without_meaning_are_refused(changes: dict[str, float], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        beam(**changes)
