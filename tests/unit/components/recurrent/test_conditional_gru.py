"""The conditional GRU against its three equations."""

import numpy as np
import torch

from seqlab.components.attention.additive import AdditiveScore
from seqlab.components.attention.soft import SoftAttention
from seqlab.components.layers.initial_state import InitialState
from seqlab.components.recurrent.conditional_gru import ConditionalGRU

BATCH, STEPS, SOURCE, INPUT, HIDDEN, VALUE = 2, 3, 4, 3, 5, 6


def build(reset: str = "after") -> ConditionalGRU:
    torch.manual_seed(0)
    score = AdditiveScore(query_dim=HIDDEN, value_dim=VALUE, hidden_dim=7)
    cell = ConditionalGRU(
        attention=SoftAttention(score=score),
        input_dim=INPUT,
        hidden_dim=HIDDEN,
        value_dim=VALUE,
        reset=reset,
    ).double()
    for parameter in cell.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return cell


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def gru(x: np.ndarray, h: np.ndarray, W: dict[str, np.ndarray]) -> np.ndarray:
    """Torch's form, gate by gate."""
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    V, U, a, b = (np.split(W[name], 3) for name in names)
    r, z = (sigmoid(V[k] @ x + a[k] + U[k] @ h + b[k]) for k in range(2))
    return (1 - z) * np.tanh(V[2] @ x + a[2] + r * (U[2] @ h + b[2])) + z * h


def test_steps_equal_the_equations() -> None:
    cell = build()
    values = torch.randn(BATCH, SOURCE, VALUE).double()
    mask = torch.tensor([[True] * 4, [True, True, True, False]])
    words = torch.randn(BATCH, STEPS, INPUT).double()
    memory = cell.attention.prepare(values, mask)
    W = {key: value.numpy() for key, value in cell.state_dict().items()}
    first, second = (
        {k.removeprefix(f"{part}.kernel."): v for k, v in W.items() if k.startswith(part)}
        for part in ("first", "second")
    )
    score = {key.removeprefix("attention.score."): value for key, value in W.items()}

    state = cell.start({"hidden": torch.randn(BATCH, HIDDEN).double()})
    expected = state.hidden.numpy()
    for t in range(STEPS):
        output, state, read = cell.step(cell.project(words[:, t]), state, memory)
        rows = []
        for n in range(BATCH):
            between = gru(words[n, t].numpy(), expected[n], first)
            source = values[n][mask[n]].numpy()
            energy = np.array(
                [
                    score["energy.weight"][0]
                    @ np.tanh(
                        score["query.weight"] @ between
                        + score["key.weight"] @ value
                        + score["key.bias"]
                    )
                    for value in source
                ]
            )
            alpha = np.exp(energy) / np.exp(energy).sum()
            np.testing.assert_allclose(read.weights[n, : len(alpha)].detach(), alpha, rtol=1e-9)
            rows.append(gru(alpha @ source, between, second))
        expected = np.stack(rows)
        np.testing.assert_allclose(output.detach(), expected, rtol=1e-9, atol=1e-12)
        assert torch.equal(output, state.hidden)


def test_padding_of_the_source_changes_nothing() -> None:
    cell = build("before")
    values, word = torch.randn(BATCH, SOURCE, VALUE).double(), torch.randn(BATCH, INPUT).double()
    padded = torch.cat([values, torch.full((BATCH, 2, VALUE), 9.0).double()], dim=1)
    mask = (torch.arange(SOURCE + 2) < SOURCE).expand(BATCH, -1)
    state = cell.init_state(BATCH)
    plain = cell(word, state, cell.attention.prepare(values))
    longer = cell(word, state, cell.attention.prepare(padded, mask))
    torch.testing.assert_close(longer[0], plain[0])
    assert not longer[2].weights[:, SOURCE:].any()


def test_it_is_started_like_a_cell() -> None:
    cell = build()
    assert cell.start_sizes() == {"hidden": HIDDEN}
    layer = InitialState(cell=cell, input_dim=VALUE).double()
    state = layer(torch.randn(BATCH, VALUE).double())
    assert isinstance(state, cell.state_type)
    assert state.hidden.shape == (BATCH, HIDDEN)
    assert not cell.init_state(BATCH).hidden.any()


def test_gradients_equal_differences() -> None:
    cell = build()
    memory = cell.attention.prepare(torch.randn(BATCH, SOURCE, VALUE).double())
    word = torch.randn(BATCH, INPUT).double().requires_grad_()
    hidden = torch.randn(BATCH, HIDDEN).double().requires_grad_()
    parameters = [*cell.first.parameters(), *cell.second.parameters()]

    def run(word: torch.Tensor, hidden: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return cell(word, cell.state_type(hidden), memory)[0]

    assert torch.autograd.gradcheck(run, (word, hidden, *parameters), fast_mode=True)
