"""The three captioning models against the papers' equations, word by word in NumPy."""

import numpy as np
import torch

from seqlab.models.interfaces import CaptioningModel
from tests.unit.models.captioning_parts import build, example

W = dict[str, np.ndarray]


def weights_of(model: CaptioningModel) -> W:
    return {name: value.detach().numpy() for name, value in model.state_dict().items()}


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm(x: np.ndarray, h: np.ndarray, c: np.ndarray, w: W) -> tuple[np.ndarray, np.ndarray]:
    gates = w["cell.kernel.weight_hh_l0"] @ h + w["cell.kernel.bias_hh_l0"] + x
    i, f, g, o = np.split(gates, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def from_word(y: np.ndarray, w: W) -> np.ndarray:
    return w["cell.kernel.weight_ih_l0"] @ y + w["cell.kernel.bias_ih_l0"]


def perceptron(x: np.ndarray, field: str, w: W) -> np.ndarray:
    name = f"initial_state.fields.{field}"
    hidden = np.maximum(w[f"{name}.0.weight"] @ x + w[f"{name}.0.bias"], 0)
    return np.tanh(w[f"{name}.2.weight"] @ hidden + w[f"{name}.2.bias"])


def randomise_statistics(projection: torch.nn.Module) -> None:
    """Give a normalisation statistics that it cannot do without."""
    torch.nn.init.normal_(projection[1].running_mean)
    torch.nn.init.uniform_(projection[1].running_var, 0.5, 2)
    torch.nn.init.normal_(projection[1].bias)


def image_vector(feature_map: torch.Tensor, w: W, name: str) -> np.ndarray:
    """The image as one vector: the mean over locations, projected and normalised."""
    projected = w[f"{name}.0.weight"] @ feature_map.numpy().mean(axis=(1, 2))
    mean, variance = w[f"{name}.1.running_mean"], w[f"{name}.1.running_var"]
    scaled = w[f"{name}.1.weight"] * (projected - mean) / np.sqrt(variance + 1e-5)
    return scaled + w[f"{name}.1.bias"]


def test_show_attend_tell() -> None:
    model = build("show_attend_tell additive lstm").eval()
    source, tokens, lengths = example()
    forced, w = model(source, tokens, lengths), weights_of(model)
    score = {key.rpartition("score.")[2]: p for key, p in w.items() if "score." in key}

    for n, length in enumerate(lengths.tolist()):
        a = source[n].numpy().reshape(source.shape[1], -1).T  # [L, D]
        h, c = (perceptron(a.mean(axis=0), field, w) for field in ("hidden", "cell"))
        attended = np.zeros(len(a))
        for t in range(length):
            Ey = w["embedding.weight"][tokens[n, t]]
            keys = a @ score["key.weight"].T + score["key.bias"]
            e = np.tanh(keys + score["query.weight"] @ h) @ score["energy.weight"][0]
            alpha = np.exp(e) / np.exp(e).sum()  # equations 4 and 5
            beta = sigmoid(w["gate.weight"] @ h + w["gate.bias"])
            z = beta * (alpha @ a)  # equations 6 and 13, and section 4.2.1
            h, c = lstm(from_word(Ey, w) + w["from_context.weight"] @ z, h, c, w)
            L_h, L_z = w["output.from_hidden.weight"], w["output.from_context.weight"]
            L_o, b = w["output.to_vocabulary.weight"], w["output.to_vocabulary.bias"]
            logits = L_o @ (Ey + L_h @ h + L_z @ z) + b  # equation 7
            np.testing.assert_allclose(forced.weights[n, t].detach(), alpha, rtol=1e-9)
            np.testing.assert_allclose(forced.logits[n, t].detach(), logits, rtol=1e-9, atol=1e-9)
            attended += alpha
        penalty, weight = forced.auxiliary["doubly_stochastic"]
        np.testing.assert_allclose(penalty[n].item(), ((1 - attended) ** 2).sum(), rtol=1e-9)
        assert weight == 1 / len(a)
    assert set(forced.auxiliary) == {"doubly_stochastic"}


def test_show_tell() -> None:
    model = build("show_tell lstm").eval()
    randomise_statistics(model.image)
    source, tokens, lengths = example()
    logits, w = model(source, tokens, lengths).logits, weights_of(model)
    for n, length in enumerate(lengths.tolist()):
        image = image_vector(source[n], w, "image")
        zero = np.zeros(len(w["cell.kernel.bias_hh_l0"]) // 4)
        h, c = lstm(from_word(image, w), zero, zero, w)  # equation 10
        for t in range(length):
            h, c = lstm(from_word(w["embedding.weight"][tokens[n, t]], w), h, c, w)
            expected = w["to_vocabulary.weight"] @ h + w["to_vocabulary.bias"]
            np.testing.assert_allclose(logits[n, t].detach(), expected, rtol=1e-9, atol=1e-9)


def test_neuraltalk() -> None:
    model = build("neuraltalk elman_tanh").eval()
    randomise_statistics(model.from_image)
    source, tokens, lengths = example()
    logits, w = model(source, tokens, lengths).logits, weights_of(model)
    for n, length in enumerate(lengths.tolist()):
        b_v = image_vector(source[n], w, "from_image")  # equation 13
        h = np.zeros(len(b_v))
        for t in range(length):
            x = from_word(w["embedding.weight"][tokens[n, t]], w)
            recurrent = w["cell.kernel.weight_hh_l0"] @ h + w["cell.kernel.bias_hh_l0"]
            h = np.tanh(x + recurrent + (b_v if t == 0 else 0))  # equation 14
            expected = w["to_vocabulary.weight"] @ h + w["to_vocabulary.bias"]  # equation 15
            np.testing.assert_allclose(logits[n, t].detach(), expected, rtol=1e-9, atol=1e-9)


def test_image_biases_the_first_word_only() -> None:
    model = build("neuraltalk elman_tanh").eval()
    state, memory = model.encode(example()[0])
    assert state.image.any()
    _, state = model.step(torch.tensor([1, 1, 1]), state, memory)
    assert not state.image.any()
