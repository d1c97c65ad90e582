"""Scores against loops over pairs of query and value."""

import numpy as np
import pytest
import torch
from torch import Tensor

from seqlab.components.attention.additive import AdditiveScore
from seqlab.components.attention.concat import ConcatScore
from seqlab.components.attention.dot import DotScore
from seqlab.components.attention.general import GeneralScore
from seqlab.components.attention.interface import Score

BATCH, LOCATIONS, QUERY, VALUE, HIDDEN = 2, 5, 3, 4, 6


def array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def scores_of(score: Score, query: Tensor, values: Tensor) -> np.ndarray:
    return array(score(query, score.project(values)))


@pytest.fixture
def query() -> Tensor:
    return torch.randn(BATCH, QUERY, generator=torch.Generator().manual_seed(1)).double()


@pytest.fixture
def values() -> Tensor:
    return torch.randn(BATCH, LOCATIONS, VALUE, generator=torch.Generator().manual_seed(2)).double()


def test_additive_equals_the_equation(query: Tensor, values: Tensor) -> None:
    score = AdditiveScore(query_dim=QUERY, value_dim=VALUE, hidden_dim=HIDDEN).double()
    W, U = array(score.query.weight), array(score.key.weight)
    b, v = array(score.key.bias), array(score.energy.weight)[0]
    expected = [
        [v @ np.tanh(W @ q.numpy() + U @ k.numpy() + b) for k in row]
        for q, row in zip(query, values, strict=True)
    ]
    np.testing.assert_allclose(scores_of(score, query, values), expected, rtol=1e-11, atol=1e-14)


def test_concat_equals_one_product_with_each_pair(query: Tensor, values: Tensor) -> None:
    score = ConcatScore(query_dim=QUERY, value_dim=VALUE, hidden_dim=HIDDEN).double()
    W, v = array(score.pair.weight), array(score.energy.weight)[0]
    expected = [
        [v @ np.tanh(W @ np.concatenate([q.numpy(), k.numpy()])) for k in row]
        for q, row in zip(query, values, strict=True)
    ]
    np.testing.assert_allclose(scores_of(score, query, values), expected, rtol=1e-11, atol=1e-14)


def test_general_equals_the_bilinear_form(query: Tensor, values: Tensor) -> None:
    score = GeneralScore(query_dim=QUERY, value_dim=VALUE).double()
    W = array(score.query.weight).T  # [Q, D]
    expected = [
        [q.numpy() @ W @ k.numpy() for k in row] for q, row in zip(query, values, strict=True)
    ]
    np.testing.assert_allclose(scores_of(score, query, values), expected, rtol=1e-12)


def test_dot_equals_the_inner_product(values: Tensor) -> None:
    query = values[:, 2] + 1
    score = DotScore(query_dim=VALUE, value_dim=VALUE)
    expected = [[float(q @ k) for k in row] for q, row in zip(query, values, strict=True)]
    np.testing.assert_allclose(scores_of(score, query, values), expected, rtol=1e-12)


def test_dot_says_what_to_use_where_sizes_differ() -> None:
    with pytest.raises(ValueError, match=r"general.*hidden_dim=512"):
        DotScore(query_dim=256, value_dim=512)


@pytest.mark.parametrize("score_type", [AdditiveScore, ConcatScore])
def test_tanh_written_as_a_sigmoid_has_the_gradient_of_tanh(
    score_type: type[Score], query: Tensor, values: Tensor
) -> None:
    score = score_type(query_dim=QUERY, value_dim=VALUE, hidden_dim=HIDDEN).double()
    query.requires_grad_(), values.requires_grad_()
    assert torch.autograd.gradcheck(lambda q, k: score(q, score.project(k)), (query, values))


def test_single_precision_loses_nothing_by_the_sigmoid() -> None:
    torch.manual_seed(0)
    score = AdditiveScore(query_dim=64, value_dim=64, hidden_dim=512)
    query, values = 3 * torch.randn(4, 64), 3 * torch.randn(4, 50, 64)
    exact = torch.tanh(score.query(query).unsqueeze(1) + score.key(values)) @ score.energy.weight[0]
    torch.testing.assert_close(score(query, score.project(values)), exact, rtol=0, atol=2e-6)


def test_a_large_batch_scores_alike_with_and_without_gradients() -> None:
    torch.manual_seed(0)
    score = AdditiveScore(query_dim=3, value_dim=4, hidden_dim=5).double()
    query, values = torch.randn(40, 3).double(), torch.randn(40, 6, 4).double()
    kept = score(query, score.project(values))
    with torch.no_grad():  # on a CPU this goes block by block
        blocks = score(query, score.project(values))
    torch.testing.assert_close(blocks, kept.detach(), rtol=1e-12, atol=1e-12)
