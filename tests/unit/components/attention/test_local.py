"""Local attention against a loop over equations 7 to 10 of Luong et al. (2015)."""

import numpy as np
import pytest
import torch
from torch import Tensor

from seqlab.components.attention.dot import DotScore
from seqlab.components.attention.general import GeneralScore
from seqlab.components.attention.interface import Attention
from seqlab.components.attention.local import LocalMonotonic, LocalPredictive

LENGTHS, PLACES, STEPS, SIZE = [9, 4, 1], 9, 12, 3


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    """Queries [B, T, Q], values [B, L, D] and their mask [B, L]."""
    generator = torch.Generator().manual_seed(3)
    queries = 2 * torch.randn(3, STEPS, SIZE, generator=generator).double()
    values = torch.randn(3, PLACES, SIZE, generator=generator).double()
    return queries, values, torch.arange(PLACES) < torch.tensor(LENGTHS).unsqueeze(1)


def steps() -> Tensor:
    return torch.arange(STEPS).expand(3, -1)


def local_p(window: int) -> LocalPredictive:
    torch.manual_seed(0)
    score = GeneralScore(query_dim=SIZE, value_dim=SIZE)
    attention = LocalPredictive(score=score, query_dim=SIZE, window=window).double()
    torch.nn.init.normal_(attention.place.weight, std=2.0)  # places at both ends and between
    return attention


def local_m(window: int) -> LocalMonotonic:
    return LocalMonotonic(score=DotScore(query_dim=SIZE, value_dim=SIZE), window=window)


@pytest.mark.parametrize("window", [1, 2, 10])
def test_local_m_equals_the_equations(window: int) -> None:
    queries, values, mask = inputs()
    attention = local_m(window)
    read = attention(queries, attention.prepare(values, mask), steps())
    for n, length in enumerate(LENGTHS):
        for t in range(STEPS):
            p_t = min(t, length - 1)
            window_places = [s for s in range(length) if p_t - window <= s <= p_t + window]
            e = {s: np.exp(float(queries[n, t] @ values[n, s])) for s in window_places}
            a = [e.get(s, 0) / sum(e.values()) for s in range(PLACES)]
            np.testing.assert_allclose(read.weights[n, t], a, rtol=1e-12)
            np.testing.assert_allclose(read.context[n, t], np.array(a) @ values[n].numpy())
            assert (read.weights[n, t] == 0).tolist() == [s not in e for s in range(PLACES)]


@pytest.mark.parametrize("window", [1, 2, 10])
def test_local_p_equals_the_equations(window: int) -> None:
    queries, values, mask = inputs()
    attention = local_p(window)
    read = attention(queries, attention.prepare(values, mask), steps())
    W_p, v_p = attention.predict.weight.detach().numpy(), attention.place.weight[0].detach().numpy()
    W_a = attention.score.query.weight.T.detach().numpy()
    middles = set()
    for n, S in enumerate(LENGTHS):
        for t in range(STEPS):
            h_t, h_s = queries[n, t].numpy(), values[n].numpy()
            p_t = S / (1 + np.exp(-v_p @ np.tanh(W_p @ h_t)))  # equation 9
            middles.add(round(p_t))
            e = {s: np.exp(h_t @ W_a @ h_s[s]) for s in range(S) if abs(s - p_t) <= window}
            align = np.array([e.get(s, 0) / sum(e.values()) for s in range(PLACES)])  # equation 7
            gauss = np.exp(-((np.arange(PLACES) - p_t) ** 2) / (2 * (window / 2) ** 2))
            a = align * gauss  # equation 10
            np.testing.assert_allclose(read.weights[n, t].detach(), a, rtol=1e-9, atol=1e-15)
            np.testing.assert_allclose(read.probabilities[n, t].detach(), align, rtol=1e-9)
            np.testing.assert_allclose(read.context[n, t].detach(), a @ h_s, rtol=1e-9, atol=1e-12)
    assert len(middles) > 5  # the queries point to many places


@pytest.mark.parametrize("attention", [local_m(2), local_p(2)], ids=["local_m", "local_p"])
def test_one_query_at_a_time_reads_the_same(attention: Attention) -> None:
    queries, values, mask = inputs()
    prepared = attention.prepare(values, mask)
    together = attention(queries, prepared, steps())
    for t in range(STEPS):
        alone = attention(queries[:, t], prepared, torch.full((3,), t))
        for part, whole in zip(alone, together, strict=True):
            torch.testing.assert_close(part, whole[:, t])


@pytest.mark.parametrize("attention", [local_m(2), local_p(2)], ids=["local_m", "local_p"])
def test_no_mask_means_that_all_is_real(attention: Attention) -> None:
    queries, values, _ = inputs()
    bare = attention(queries, attention.prepare(values), steps())
    full = torch.ones(3, PLACES, dtype=torch.bool)
    masked = attention(queries, attention.prepare(values, full), steps())
    for one, two in zip(bare, masked, strict=True):
        assert torch.equal(one, two)


def test_predicted_place_is_learned() -> None:
    queries, values, mask = inputs()
    attention = local_p(2)
    attention(queries, attention.prepare(values, mask)).context.sum().backward()
    assert attention.predict.weight.grad.any()
    assert attention.place.weight.grad.any()


def test_a_place_at_the_very_end_still_reads() -> None:
    queries, values, mask = inputs()
    attention = local_p(1)
    queries = torch.full_like(queries, 1e3)
    torch.nn.init.constant_(attention.predict.weight, 1.0)
    torch.nn.init.constant_(attention.place.weight, 1e3)  # the sigmoid is exactly 1
    read = attention(queries, attention.prepare(values, mask))
    assert read.context.isfinite().all()
    for n, length in enumerate(LENGTHS):
        assert read.probabilities[n, :, length - 1].eq(1).all()


def test_local_m_asks_for_the_position() -> None:
    queries, values, mask = inputs()
    attention = local_m(1)
    with pytest.raises(ValueError, match="position"):
        attention(queries, attention.prepare(values, mask))


@pytest.mark.parametrize("make", [local_m, local_p])
def test_a_window_has_room(make: type[Attention]) -> None:
    with pytest.raises(ValueError, match="window=0"):
        make(0)
