"""The video captioning models against the papers' equations, word by word in NumPy."""

from typing import Any

import numpy as np
import torch

from tests.unit.models.video_captioning.parts import HIDDEN, build, footage, sentences

W = dict[str, np.ndarray]
State = tuple[np.ndarray, np.ndarray]


def weights_of(model: torch.nn.Module) -> W:
    return {name: value.detach().numpy() for name, value in model.state_dict().items()}


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm(x: np.ndarray, state: State, w: W, cell: str, more: Any = 0.0) -> State:
    h, c = state
    gates = w[f"{cell}.kernel.weight_ih_l0"] @ x + w[f"{cell}.kernel.bias_ih_l0"] + more
    gates = gates + w[f"{cell}.kernel.weight_hh_l0"] @ h + w[f"{cell}.kernel.bias_hh_l0"]
    i, f, g, o = np.split(gates, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def linear(x: np.ndarray, w: W, name: str) -> np.ndarray:
    return w[f"{name}.weight"] @ x + w[f"{name}.bias"]


def start() -> State:
    return np.zeros(HIDDEN), np.zeros(HIDDEN)


def seen(n: int) -> np.ndarray:
    """What the backbone says of the frames of a video: its mean colours, [F, D]."""
    frames, lengths = footage()
    return frames[n, : int(lengths[n])].numpy().mean(axis=(2, 3))


def test_mean_pool_lstm() -> None:
    model = build("mean_pool_lstm").eval()
    norm = model.video[1]
    torch.nn.init.normal_(norm.running_mean)
    torch.nn.init.uniform_(norm.running_var, 0.5, 2)
    tokens, lengths = sentences()
    logits, w = model(model.watch(footage()), tokens, lengths).logits, weights_of(model)
    for n, length in enumerate(lengths.tolist()):
        projected = w["video.0.weight"] @ seen(n).mean(axis=0)
        scaled = (projected - w["video.1.running_mean"]) / np.sqrt(w["video.1.running_var"] + 1e-5)
        video = w["video.1.weight"] * scaled + w["video.1.bias"]
        lower, upper = start(), start()
        for t in range(length):
            word = w["embedding.weight"][tokens[n, t]]
            lower = lstm(np.concatenate([word, video]), lower, w, "cell.layers.0")
            upper = lstm(lower[0], upper, w, "cell.layers.1")
            expected = linear(upper[0], w, "to_vocabulary")
            np.testing.assert_allclose(logits[n, t].detach(), expected, rtol=1e-9, atol=1e-9)


def test_s2vt() -> None:
    """Figure 2: frames beside no words, then words beside no frames, through the same layers."""
    model = build("s2vt").eval()
    tokens, lengths = sentences()
    logits, w = model(model.watch(footage()), tokens, lengths).logits, weights_of(model)
    for n, length in enumerate(lengths.tolist()):
        first, second = start(), start()
        nothing = np.zeros(w["embedding.weight"].shape[1])
        for frame in seen(n):
            first = lstm(linear(frame, w, "frame"), first, w, "first")
            second = lstm(np.concatenate([first[0], nothing]), second, w, "second")
        for t in range(length):
            first = lstm(nothing, first, w, "first")
            word = w["embedding.weight"][tokens[n, t]]
            second = lstm(np.concatenate([first[0], word]), second, w, "second")
            expected = linear(second[0], w, "to_vocabulary")
            np.testing.assert_allclose(logits[n, t].detach(), expected, rtol=1e-9, atol=1e-9)


def test_temporal_attention() -> None:
    model = build("temporal_attention").eval()
    tokens, lengths = sentences()
    forced, w = model(model.watch(footage()), tokens, lengths), weights_of(model)
    for n, length in enumerate(lengths.tolist()):
        v = seen(n)  # [F, D]
        mean = v.mean(axis=0)
        h, c = (
            np.tanh(linear(np.maximum(linear(mean, w, f"{at}.0"), 0), w, f"{at}.2"))
            for at in ("initial_state.fields.hidden", "initial_state.fields.cell")
        )
        score = "attention.score"
        for t in range(length):
            query = w[f"{score}.query.weight"] @ h
            e = [
                w[f"{score}.energy.weight"][0] @ np.tanh(query + linear(each, w, f"{score}.key"))
                for each in v
            ]
            alpha = np.exp(e) / np.exp(e).sum()
            phi = alpha @ v
            word = w["embedding.weight"][tokens[n, t]]
            h, c = lstm(word, (h, c), w, "cell", w["from_context.weight"] @ phi)
            meeting = np.tanh(linear(np.concatenate([h, phi, word]), w, "meeting"))
            expected = linear(meeting, w, "to_vocabulary")
            np.testing.assert_allclose(forced.weights[n, t, : len(v)].detach(), alpha, rtol=1e-9)
            np.testing.assert_allclose(forced.logits[n, t].detach(), expected, rtol=1e-9, atol=1e-9)
