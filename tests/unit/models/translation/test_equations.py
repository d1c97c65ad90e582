"""The translation models against the papers' equations, word by word in NumPy."""

from functools import partial

import numpy as np
import pytest

from seqlab.components.recurrent.lstm import LSTMCell
from seqlab.components.recurrent.variational import VariationalCell
from seqlab.models.interfaces import TranslationModel
from tests.unit.models.translation.parts import build, example

Array = np.ndarray
W = dict[str, Array]


def weights_of(model: TranslationModel) -> W:
    return {name: value.detach().numpy() for name, value in model.state_dict().items()}


def under(name: str, w: W) -> W:
    """The weights of a part."""
    return {key.removeprefix(f"{name}."): p for key, p in w.items() if key.startswith(f"{name}.")}


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softmax(x: Array) -> Array:
    return np.exp(x) / np.exp(x).sum()


def from_input(x: Array, w: W) -> Array:
    return w["kernel.weight_ih_l0"] @ x + w["kernel.bias_ih_l0"]


def gru(x: Array, h: Array, w: W) -> Array:
    """Reset before the product, as in appendix A.1.1 of Bahdanau et al. (2015)."""
    (U_r, U_z, U), (b_r, b_z, b) = (
        np.split(w[f"kernel.{name}_hh_l0"], 3) for name in ("weight", "bias")
    )
    x_r, x_z, x_h = np.split(x, 3)
    r, z = sigmoid(x_r + U_r @ h + b_r), sigmoid(x_z + U_z @ h + b_z)
    return (1 - z) * h + z * np.tanh(x_h + U @ (r * h) + b)


def lstm(x: Array, h: Array, c: Array, w: W) -> tuple[Array, Array]:
    i, f, g, o = np.split(x + w["kernel.weight_hh_l0"] @ h + w["kernel.bias_hh_l0"], 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def two_layers(x: Array, state: list[tuple[Array, Array]], w: W) -> tuple[Array, list]:
    """Output and state of two LSTMs on top of each other, the first with its input projected."""
    lower, upper = under("layers.0", w), under("layers.1", w)
    h, c = lstm(x, *state[0], lower)
    top = lstm(from_input(h, upper), *state[1], upper)
    return top[0], [(h, c), top]


def read_backwards(words: Array, w: W) -> tuple[Array, list]:
    """Outputs [S, H] in the written order and last state, the words reversed and the end last."""
    order = [*range(len(words) - 2, -1, -1), len(words) - 1]
    state, outputs = [(np.zeros(6), np.zeros(6))] * 2, np.zeros((len(words), 6))
    for j in order:
        outputs[j], state = two_layers(from_input(words[j], under("layers.0", w)), state, w)
    return outputs, state


def test_rnn_search() -> None:
    model = build("rnn_search additive gru_before").eval()
    source, tokens, lengths = example()
    forced, w = model(source, tokens, lengths), weights_of(model)
    ahead, back = under("encoder.forward_cell", w), under("encoder.backward_cell", w)
    cell, score, output = under("cell", w), under("attention.score", w), under("output", w)

    for n, length in enumerate(lengths.tolist()):
        x = w["source_embedding.weight"][source.tokens[n, : source.lengths[n]]]  # [S, E]
        f, b = [np.zeros(3)], [np.zeros(3)]
        for j in range(len(x)):
            f.append(gru(from_input(x[j], ahead), f[-1], ahead))
            b.append(gru(from_input(x[len(x) - 1 - j], back), b[-1], back))
        h = np.concatenate([f[1:], b[:0:-1]], axis=1)  # [S, 2H], equation 7
        s = np.tanh(w["bridge.fields.hidden.0.weight"] @ b[-1] + w["bridge.fields.hidden.0.bias"])
        for t in range(length):
            keys = h @ score["key.weight"].T + score["key.bias"]
            alpha = softmax(np.tanh(keys + score["query.weight"] @ s) @ score["energy.weight"][0])
            c = alpha @ h  # equation 5
            Ey = w["embedding.weight"][tokens[n, t]]
            meeting = output["from_hidden.weight"] @ s + output["from_hidden.bias"]
            meeting = meeting + output["from_word.weight"] @ Ey + output["from_context.weight"] @ c
            largest = [max(meeting[2 * j], meeting[2 * j + 1]) for j in range(5)]
            logits = output["to_vocabulary.weight"] @ largest + output["to_vocabulary.bias"]
            np.testing.assert_allclose(forced.weights[n, t, : len(x)].detach(), alpha, rtol=1e-9)
            np.testing.assert_allclose(forced.logits[n, t].detach(), logits, rtol=1e-9, atol=1e-9)
            s = gru(from_input(Ey, cell) + w["from_context.weight"] @ c, s, cell)


def test_seq2seq() -> None:
    model = build("seq2seq - stacked reversed").eval()
    source, tokens, lengths = example()
    logits, w = model(source, tokens, lengths).logits, weights_of(model)
    cell = under("cell", w)
    for n, length in enumerate(lengths.tolist()):
        words = w["source_embedding.weight"][source.tokens[n, : source.lengths[n]]]  # [S, E]
        _, state = read_backwards(words, under("encoder", w))
        for t in range(length):
            Ey = w["embedding.weight"][tokens[n, t]]
            h, state = two_layers(from_input(Ey, under("layers.0", cell)), state, cell)
            expected = w["to_vocabulary.weight"] @ h + w["to_vocabulary.bias"]
            np.testing.assert_allclose(logits[n, t].detach(), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("feeding", ["fed", "unfed"])
def test_luong(feeding: str) -> None:
    model = build(f"luong general stacked reversed {feeding}").eval()
    source, tokens, lengths = example()
    forced, w = model(source, tokens, lengths), weights_of(model)
    cell = under("cell", w)
    for n, length in enumerate(lengths.tolist()):
        words = w["source_embedding.weight"][source.tokens[n, : source.lengths[n]]]  # [S, E]
        h_s, state = read_backwards(words, under("encoder", w))
        h_tilde = np.zeros(6)
        for t in range(length):
            x = from_input(w["embedding.weight"][tokens[n, t]], under("layers.0", cell))
            if feeding == "fed":
                x = x + w["from_attentional.weight"] @ h_tilde
            h_t, state = two_layers(x, state, cell)
            scores = [h_t @ w["attention.score.query.weight"].T @ each for each in h_s]
            a_t = softmax(np.array(scores))  # equations 7 and 8
            h_tilde = np.tanh(w["attend.weight"] @ np.concatenate([a_t @ h_s, h_t]))  # equation 5
            logits = w["to_vocabulary.weight"] @ h_tilde + w["to_vocabulary.bias"]
            weights = forced.weights[n, t, : len(words)].detach()
            np.testing.assert_allclose(weights, a_t, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(forced.logits[n, t].detach(), logits, rtol=1e-9, atol=1e-9)


def test_conditional_rnn_search() -> None:
    model = build("rnn_search general gru_before conditional").eval()
    source, tokens, lengths = example()
    forced, w = model(source, tokens, lengths), weights_of(model)
    state, memory = model.encode(source)
    cell, after, output = under("cell", w), under("after", w), under("output", w)

    for n, length in enumerate(lengths.tolist()):
        s, h = state.output[n].detach().numpy(), memory.values[n].detach().numpy()
        h = h[: source.lengths[n]]  # [S, D]
        for t in range(length):
            Ey = w["embedding.weight"][tokens[n, t]]
            s = gru(from_input(Ey, cell), s, cell)  # s'
            alpha = softmax(h @ w["attention.score.query.weight"] @ s)
            c = alpha @ h
            s = gru(from_input(c, after), s, after)
            meeting = output["from_hidden.weight"] @ s + output["from_hidden.bias"]
            meeting = meeting + output["from_word.weight"] @ Ey + output["from_context.weight"] @ c
            largest = meeting.reshape(5, 2).max(axis=1)
            logits = output["to_vocabulary.weight"] @ largest + output["to_vocabulary.bias"]
            np.testing.assert_allclose(forced.weights[n, t, : len(h)].detach(), alpha, rtol=1e-9)
            np.testing.assert_allclose(forced.logits[n, t].detach(), logits, rtol=1e-9, atol=1e-9)


def test_conditional_decoder_refuses_a_state_that_fits_one_input_size() -> None:
    cell = partial(LSTMCell, forget_bias=1.0)
    variational = partial(VariationalCell, cell=cell, input_dropout=0.1, recurrent_dropout=0.1)
    build("rnn_search additive lstm", recurrent=variational)
    with pytest.raises(ValueError, match=r"VariationalCell.*conditional=false"):
        build("rnn_search additive lstm conditional", recurrent=variational)
