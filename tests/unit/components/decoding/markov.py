"""A small step model whose probabilities are tables, so that searches can be checked by hand.

The next token depends on the last two, of which the search knows one and the state the other: a
state that is not reordered with its hypothesis gives other probabilities.
"""

from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

START, END = 0, 1


class MarkovMemory(NamedTuple):
    """What belongs to an input."""

    transitions: Tensor  # [B, T, V, V, V], log-probabilities given the last token but one, the last
    attention: Tensor  # [B, T, V, V, L], attention while the next token is chosen
    mask: None = None


class Place(NamedTuple):
    """Where a row is; nested in the state, as a model's may be."""

    position: Tensor  # [N]
    previous: Tensor  # [N], the last token but one


class MarkovState(NamedTuple):
    """What a step hands to the next."""

    place: Place
    weights: Tensor  # [N, L]


def model(
    seed: int,
    *,
    batch_size: int = 1,
    vocab_size: int = 4,
    num_steps: int = 4,
    num_locations: int = 3,
) -> tuple[MarkovState, MarkovMemory]:
    """Random tables and the state where a search starts; double precision, so without ties."""
    generator = torch.Generator().manual_seed(seed)
    shape = (batch_size, num_steps, vocab_size, vocab_size)
    logits = torch.randn(*shape, vocab_size, generator=generator, dtype=torch.float64)
    energy = torch.randn(*shape, num_locations, generator=generator, dtype=torch.float64)
    memory = MarkovMemory((2 * logits).log_softmax(dim=-1), (2 * energy).softmax(dim=-1))
    return start(memory), memory


def start(memory: MarkovMemory) -> MarkovState:
    """The state before the first token."""
    zeros = torch.zeros(len(memory.transitions), dtype=torch.long)
    return MarkovState(Place(zeros, zeros + START), memory.attention[:, 0, 0, 0] * 0)


def step(tokens: Tensor, state: MarkovState, memory: MarkovMemory) -> tuple[Tensor, MarkovState]:
    """Look the next token up."""
    where = (torch.arange(len(tokens)), state.place.position, state.place.previous, tokens)
    place = Place(state.place.position + 1, tokens)
    return memory.transitions[where], MarkovState(place, memory.attention[where])


def plain_step(tokens: Tensor, state: Place, memory: MarkovMemory) -> tuple[Tensor, Place]:
    """The same probabilities with a state that has no attention."""
    scores, new = step(tokens, MarkovState(state, memory.attention[:, 0, 0, 0]), memory)
    return scores, new.place


def lookup(table: Tensor, row: int, prefix: tuple[int, ...]) -> Tensor:
    """What a table says of an input after a prefix."""
    *_, previous, last = (START, START, *prefix)
    return table[row, len(prefix), previous, last]


def log_probability(memory: MarkovMemory, row: int, tokens: tuple[int, ...]) -> float:
    """Of tokens given the start."""
    prefixes = [(tokens[:i], token) for i, token in enumerate(tokens)]
    return sum(float(lookup(memory.transitions, row, prefix)[t]) for prefix, t in prefixes)


def weights_along(memory: MarkovMemory, row: int, tokens: tuple[int, ...]) -> Tensor:
    """Attention [T, L] while each of the tokens is chosen."""
    return torch.stack([lookup(memory.attention, row, tokens[:i]) for i in range(len(tokens))])


def all_sequences(vocab_size: int, max_length: int) -> list[tuple[int, ...]]:
    """Those that end, and those that are cut at `max_length`."""
    words = [token for token in range(vocab_size) if token != END]
    found: list[tuple[int, ...]] = []
    for length in range(max_length):
        found += [(*path, END) for path in product(words, repeat=length)]
    return found + list(product(words, repeat=max_length))
