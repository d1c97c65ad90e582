"""Layers of the translation models against loops."""

import numpy as np
import torch

from seqlab.components.layers.bridge import Bridge
from seqlab.components.layers.maxout import MaxoutOutput
from seqlab.components.recurrent.lstm import LSTMCell


def test_maxout_output_equals_appendix_a_2_2() -> None:
    torch.manual_seed(0)
    layer = MaxoutOutput(
        embedding_dim=3, hidden_dim=4, context_dim=5, maxout_dim=6, vocab_size=7, dropout=0.0
    ).double()
    y, s, c = (torch.randn(2, 8, size).double() for size in (3, 4, 5))
    logits = layer(y, s, c).detach().numpy()
    U, V, C, W = (
        each.weight.detach().numpy()
        for each in (layer.from_hidden, layer.from_word, layer.from_context, layer.to_vocabulary)
    )
    b, b_o = layer.from_hidden.bias.detach().numpy(), layer.to_vocabulary.bias.detach().numpy()
    for n in range(2):
        for i in range(8):
            t_tilde = U @ s[n, i].numpy() + V @ y[n, i].numpy() + C @ c[n, i].numpy() + b
            t = [max(t_tilde[2 * j], t_tilde[2 * j + 1]) for j in range(6)]
            np.testing.assert_allclose(logits[n, i], W @ np.array(t) + b_o, rtol=1e-12)


def test_maxout_output_drops_only_in_training() -> None:
    torch.manual_seed(0)
    layer = MaxoutOutput(
        embedding_dim=3, hidden_dim=4, context_dim=5, maxout_dim=6, vocab_size=7, dropout=0.5
    )
    parts = torch.randn(2, 3), torch.randn(2, 4), torch.randn(2, 5)
    assert not torch.equal(layer(*parts), layer(*parts))
    layer.eval()
    assert torch.equal(layer(*parts), layer(*parts))


def test_bridge_has_a_layer_for_each_vector_of_a_state() -> None:
    torch.manual_seed(0)
    bridge = Bridge(cell=LSTMCell(input_dim=2, hidden_dim=4, forget_bias=1.0), input_dim=3)
    inputs = torch.randn(2, 3)
    state = bridge(inputs)
    for name in ("hidden", "cell"):
        layer = bridge.fields[name][0]
        weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        expected = np.tanh(inputs.numpy() @ weight.T + bias)
        np.testing.assert_allclose(getattr(state, name).detach(), expected, rtol=1e-5, atol=1e-6)
