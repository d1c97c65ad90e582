"""Errors of sequences, by hand."""

from math import log

import pytest
import torch

from seqlab.components.losses import output_nll
from seqlab.metrics.algorithmic import SequenceErrors, decide, wrong_outputs

INF = 40.0  # a logit of no doubt
BITS = torch.tensor([[[0, 0], [1, 0], [1, 1]], [[0, 0], [0, 1], [0, 0]]]).float()  # [2, 3, 2]
SCORED = torch.tensor([[False, True, True], [False, True, False]])


def test_nll_is_the_sum_over_what_is_scored() -> None:
    logits = torch.zeros(2, 3, 2)
    logits[0, 1, 0] = log(3.0)  # the 1 has probability 3/4
    logits[:, 0] = 7.0  # wrong, and not scored
    logits[1, 2] = torch.nan
    nll, num_outputs = output_nll(logits, BITS, SCORED)
    expected = [3 * log(2) + log(4 / 3), 2 * log(2)]
    torch.testing.assert_close(nll, torch.tensor(expected))
    assert num_outputs.tolist() == [4, 2]

    symbols = torch.tensor([[0, 2, 1]])
    logits = torch.zeros(1, 3, 3)
    logits[0, 1, 2] = log(2.0)  # of 3 symbols the right one has probability 1/2
    nll, num_outputs = output_nll(logits, symbols, torch.tensor([[False, True, True]]))
    torch.testing.assert_close(nll, torch.tensor([log(2) + log(3)]))
    assert num_outputs.tolist() == [2]


def test_what_is_scored_is_counted() -> None:
    outputs = decide(INF * (2 * BITS - 1), bits=True)
    assert torch.equal(outputs, BITS)
    outputs[0, 2, 1] = 0.0
    outputs[:, 0] = 1.0  # not scored
    assert wrong_outputs(outputs, BITS, SCORED).tolist() == [1, 0]
    scores = torch.tensor([[[1.0, 2.0, 0.0], [3.0, 2.0, 0.0]]])
    assert decide(scores, bits=False).tolist() == [[1, 0]]


def test_values_by_hand() -> None:
    """Three sequences in two batches: of 4, 2 and 2 bits, with 1, 0 and 2 wrong ones."""
    metric = SequenceErrors(bits=True, by_difficulty=True)
    logits = INF * (2 * BITS - 1)
    logits[0, 1] = torch.tensor([log(3.0), 0.1])  # 1 with 3/4; 0 with less than a half
    metric.update(logits, BITS, SCORED, torch.tensor([5, 100]), torch.tensor([1.0, 0.5]))
    wrong = torch.tensor([[[0.0, 0.0], [-log(9.0), -log(9.0)], [0.0, 0.0]]])  # 1 with 1/10 each
    metric.update(wrong, torch.ones(1, 3, 2), SCORED[1:], torch.tensor([100]), torch.tensor([0.0]))
    found = {name: float(value) for name, value in metric.compute().items()}

    nll = [log(4 / 3) + log(1 + 2.718281828459045**0.1), 0.0, 2 * log(10)]
    assert found == pytest.approx(
        {
            "loss": (nll[0] / 4 + nll[2] / 2) / 3,
            "bits_per_sequence": sum(nll) / 3 / log(2),
            "optimal_bits_per_sequence": 0.5,
            "bit_errors": 1.0,
            "token_accuracy": 5 / 8,
            "accuracy": 1 / 3,
            "bit_errors_5": 1.0,
            "token_accuracy_5": 3 / 4,
            "accuracy_5": 0.0,
            "bit_errors_100": 1.0,
            "token_accuracy_100": 1 / 2,
            "accuracy_100": 1 / 2,
        },
        rel=1e-5,
    )


def test_symbols_have_no_bit_errors() -> None:
    metric = SequenceErrors(bits=False, by_difficulty=False)
    logits = INF * torch.eye(3)[torch.tensor([[0, 1], [2, 2]])]  # [2, 2, 3]
    targets = torch.tensor([[0, 1], [2, 1]])
    metric.update(logits, targets, torch.ones(2, 2).bool(), torch.tensor([4, 4]))
    found = metric.compute()
    assert set(found) == {"loss", "bits_per_sequence", "token_accuracy", "accuracy"}
    assert float(found["token_accuracy"]) == pytest.approx(3 / 4)
    assert float(found["accuracy"]) == pytest.approx(1 / 2)
    assert float(found["loss"]) == pytest.approx(INF / 2 / 2)
