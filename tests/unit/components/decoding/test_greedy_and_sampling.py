"""Greedy search and sampling against loops and probabilities worked by hand."""

import pytest
import torch
from torch import Tensor

from seqlab.components.decoding.greedy import Greedy
from seqlab.components.decoding.sampling import Sampling
from tests.unit.components.decoding import markov
from tests.unit.components.decoding.markov import END, START, MarkovMemory


def sampling(**changes: float | None) -> Sampling:
    settings = {
        "num_samples": 3,
        "temperature": 1.0,
        "top_k": None,
        "top_p": None,
        "max_length": 4,
    }
    return Sampling(**{**settings, **changes})


def test_greedy_equals_a_loop() -> None:
    for seed in range(10):
        state, memory = markov.model(seed, batch_size=4, vocab_size=5, num_steps=6)
        found = Greedy(max_length=6)(
            markov.step, state, memory, start_id=START, end_id=END, banned_ids=[START]
        )
        for row in range(4):
            tokens: tuple[int, ...] = ()
            while len(tokens) < 6 and END not in tokens:
                scores = markov.lookup(memory.transitions, row, tokens)
                tokens += (1 + int(scores[1:].argmax()),)
            assert found.lengths[row, 0] == len(tokens)
            assert tuple(found.tokens[row, 0, : len(tokens)].tolist()) == tokens
            assert (found.tokens[row, 0, len(tokens) :] == END).all()
            expected = markov.log_probability(memory, row, tokens)
            assert float(found.log_probabilities[row, 0]) == pytest.approx(expected)
            weights = found.weights[row, 0]
            assert torch.equal(weights[: len(tokens)], markov.weights_along(memory, row, tokens))
            assert not weights[len(tokens) :].any()


def test_greedy_prefers_the_lower_of_equal_tokens() -> None:
    transitions = torch.full((1, 3, 4, 4, 4), 0.25).double().log()
    memory = MarkovMemory(transitions, torch.ones(1, 3, 4, 4, 1).double())
    found = Greedy(max_length=3)(
        markov.step, markov.start(memory), memory, start_id=START, end_id=END, banned_ids=[0, 1]
    )
    assert found.tokens.tolist() == [[[2, 2, 2]]]


def first_tokens(search: Sampling, probabilities: list[float]) -> Tensor:
    """Frequencies of the first token when the probabilities are these."""
    size = len(probabilities)
    transitions = torch.tensor(probabilities).double().log().expand(1, 1, size, size, size)
    memory = MarkovMemory(transitions, torch.ones(1, 1, size, size, 1).double())
    torch.manual_seed(0)
    found = search(markov.step, markov.start(memory), memory, start_id=START, end_id=END)
    return torch.bincount(found.tokens.flatten(), minlength=size) / found.tokens.numel()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [0.1, 0.4, 0.2, 0.3]),
        # squares .01 .16 .04 .09 of a sum .30
        ({"temperature": 0.5}, [1 / 30, 16 / 30, 4 / 30, 9 / 30]),
        ({"top_k": 2}, [0, 4 / 7, 0, 3 / 7]),
        # .4 is not enough for .6, .4 + .3 is
        ({"top_p": 0.6}, [0, 4 / 7, 0, 3 / 7]),
        ({"top_p": 0.75}, [0, 4 / 9, 2 / 9, 3 / 9]),
        ({"top_p": 0.05}, [0, 1, 0, 0]),
        ({"top_p": 1.0}, [0.1, 0.4, 0.2, 0.3]),
        # of the three likeliest, .4/.9 = .44 is enough for .42, as .4 would not be
        ({"top_k": 3, "top_p": 0.42}, [0, 1, 0, 0]),
        ({"top_k": 3, "top_p": 0.5}, [0, 4 / 7, 0, 3 / 7]),
        # squares of the three likeliest .16 .09 .04 of a sum .29: .16/.29 = .55 is enough for .5
        ({"temperature": 0.5, "top_k": 3, "top_p": 0.5}, [0, 1, 0, 0]),
        ({"top_k": 9}, [0.1, 0.4, 0.2, 0.3]),
    ],
)
def test_frequencies_are_the_probabilities(
    changes: dict[str, float], expected: list[float]
) -> None:
    search = sampling(num_samples=40_000, max_length=1, **changes)
    frequencies = first_tokens(search, [0.1, 0.4, 0.2, 0.3])
    shares = torch.tensor(expected, dtype=torch.float32)
    # Four standard deviations of a frequency of 40,000 draws are at most 0.01.
    torch.testing.assert_close(frequencies, shares, rtol=0, atol=0.01)
    assert (frequencies[shares == 0] == 0).all()


def test_samples_are_whole_sequences_with_their_own_numbers() -> None:
    state, memory = markov.model(7, batch_size=3, vocab_size=5, num_steps=6)
    torch.manual_seed(0)
    found = sampling(num_samples=4, max_length=6, temperature=2.0)(
        markov.step, state, memory, start_id=START, end_id=END, banned_ids=[START]
    )
    assert found.tokens.shape[:2] == (3, 4)
    assert (found.scores.diff(dim=1) <= 0).all()
    for row in range(3):
        assert len({tuple(tokens) for tokens in found.tokens[row].tolist()}) > 1
        for rank in range(4):
            length = int(found.lengths[row, rank])
            tokens = tuple(found.tokens[row, rank, :length].tolist())
            assert START not in tokens
            assert END not in tokens[:-1]
            assert tokens[-1] == END or length == 6
            expected = markov.log_probability(memory, row, tokens)
            assert float(found.log_probabilities[row, rank]) == pytest.approx(expected)
            along = markov.weights_along(memory, row, tokens)
            assert torch.equal(found.weights[row, rank, :length], along)


def test_the_same_seed_draws_the_same() -> None:
    state, memory = markov.model(7, batch_size=3)
    draws = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found = sampling(num_samples=9)(markov.step, state, memory, start_id=START, end_id=END)
        draws.append(found.tokens.tolist())
    assert draws[0] == draws[1] != draws[2]


def test_half_precision_is_summed_in_single() -> None:
    state, memory = markov.model(7, batch_size=2, num_steps=4)

    def half_step(*arguments: object) -> object:
        scores, new = markov.step(*arguments)
        return scores.bfloat16(), new

    found = Greedy(max_length=4)(half_step, state, memory, start_id=START, end_id=END)
    assert found.scores.dtype == torch.float32


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"num_samples": 0}, "num_samples"),
        ({"temperature": 0.0}, "temperature is above 0"),
        ({"top_k": 0}, "top_k"),
        ({"top_p": 1.5}, "top_p"),
        ({"max_length": 0}, "max_length"),
    ],
)
def test_settings_without_meaning_are_refused(changes: dict[str, float], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        sampling(**changes)
