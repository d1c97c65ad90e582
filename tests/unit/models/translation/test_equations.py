"""The translation models against the papers' equations, word by word in NumPy."""

import numpy as np

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
