"""Loss, perplexity and accuracy per token against a loop in NumPy."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from seqlab.metrics.likelihood import Likelihood

LENGTHS = ([3, 5, 1], [4, 2])  # of the sentences of two batches
NUM_WORDS = 7


def batches(padding: int = 0) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Logits, tokens and lengths; what lies behind the lengths is other noise with each padding."""
    made = []
    for seed, lengths in enumerate(LENGTHS):
        longest = max(lengths)
        draw = torch.Generator().manual_seed(seed)
        logits = 3 * torch.randn(len(lengths), longest, NUM_WORDS, generator=draw)
        tokens = torch.randint(NUM_WORDS, (len(lengths), longest + 1), generator=draw)
        # Half of the tokens are those that the logits prefer.
        right = torch.rand(len(lengths), longest, generator=draw) < 0.5
        tokens[:, 1:] = torch.where(right, logits.argmax(dim=2), tokens[:, 1:])
        noise = torch.Generator().manual_seed(100 + padding)
        wide = 50 * torch.randn(len(lengths), longest + padding, NUM_WORDS, generator=noise)
        padded = torch.zeros(len(lengths), longest + padding + 1, dtype=torch.long)
        for row, length in enumerate(lengths):
            wide[row, :length] = logits[row, :length]
            padded[row, : length + 1] = tokens[row, : length + 1]
        made.append((wide, padded, torch.tensor(lengths)))
    return made


def by_loop() -> dict[str, float]:
    total, right, count = 0.0, 0, 0
    for logits, tokens, lengths in batches():
        scores = logits.numpy().astype(np.float64)
        for row, length in enumerate(lengths.tolist()):
            for t in range(length):
                token = int(tokens[row, t + 1])
                total -= scores[row, t, token] - np.log(np.exp(scores[row, t]).sum())
                right += int(scores[row, t].argmax() == token)
                count += 1
    return {
        "loss": total / count,
        "perplexity": np.exp(total / count),
        "token_accuracy": right / count,
    }


def measured(metric: Likelihood) -> dict[str, float]:
    return {name: float(value) for name, value in metric.compute().items()}


@pytest.mark.parametrize("padding", [0, 3])
def test_values_are_those_of_a_loop(padding: int) -> None:
    metric = Likelihood()
    for batch in batches(padding):
        metric.update(*batch)
    assert measured(metric) == pytest.approx(by_loop(), rel=1e-6)
    assert 0 < measured(metric)["token_accuracy"] < 1


def test_it_counts_tokens_and_not_batches() -> None:
    """The order of the batches, and how sentences are put into them, changes nothing."""
    metric = Likelihood()
    for logits, tokens, lengths in reversed(batches()):
        for row in range(len(lengths)):
            metric.update(logits[row : row + 1], tokens[row : row + 1], lengths[row : row + 1])
    assert measured(metric) == pytest.approx(by_loop(), rel=1e-6)
    metric.reset()
    first, _ = batches()
    metric.update(*first)
    assert measured(metric) != pytest.approx(by_loop())


def test_uniform_logits_worked_by_hand() -> None:
    metric = Likelihood()
    tokens = torch.tensor([[1, 0, 2, 0]])
    metric.update(torch.zeros(1, 3, 5), tokens, torch.tensor([2]))
    assert measured(metric) == pytest.approx(
        {"loss": np.log(5), "perplexity": 5.0, "token_accuracy": 0.5}  # the first of equals is 0
    )


def test_processes_add_up() -> None:
    whole, shares = Likelihood(), [Likelihood(), Likelihood()]
    for share, batch in zip(shares, batches(), strict=True):
        share.update(*batch)
        whole.update(*batch)
    names = ("sum_nll", "num_right", "num_tokens")
    others = iter([getattr(shares[1], name) for name in names])

    def gather(tensor: Tensor, group: Any) -> list[Tensor]:
        return [tensor, next(others)]

    shared = Likelihood()
    shared.dist_sync_fn, shared.distributed_available_fn = gather, lambda: True
    shared.update(*batches()[0])
    assert measured(shared) == pytest.approx(measured(whole))


def test_sums_are_in_double_precision() -> None:
    """A corpus has so many tokens that single precision would lose the last ones."""
    metric = Likelihood()
    metric.sum_nll += 2.0**24
    metric.num_tokens += 2.0**24
    metric.num_right += 2.0**24
    metric.update(torch.zeros(1, 1, 2), torch.tensor([[1, 1]]), torch.tensor([1]))
    assert float(metric.num_tokens) == 2**24 + 1
    assert float(metric.sum_nll) == pytest.approx(2**24 + np.log(2), rel=1e-12)
