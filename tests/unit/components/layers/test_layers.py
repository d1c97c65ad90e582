"""Layers of the captioning models against loops and hand-worked values."""

import numpy as np
import torch
from torch.nn import functional as F

from seqlab.components.layers.deep_output import DeepOutput
from seqlab.components.layers.embedding import word_embedding
from seqlab.components.layers.initial_state import InitialState
from seqlab.components.layers.locations import locations
from seqlab.components.recurrent.lstm import LSTMCell


def test_deep_output_equals_equation_7() -> None:
    torch.manual_seed(0)
    layer = DeepOutput(embedding_dim=3, hidden_dim=4, context_dim=5, vocab_size=7, dropout=0.0)
    words, hidden, context = torch.randn(2, 3), torch.randn(2, 4), torch.randn(2, 5)
    L_h, L_z = layer.from_hidden.weight, layer.from_context.weight
    L_o, b = layer.to_vocabulary.weight, layer.to_vocabulary.bias
    L_h, L_z, L_o, b = (p.detach().numpy() for p in (L_h, L_z, L_o, b))
    logits = layer(words, hidden, context).detach().numpy()
    for n in range(2):
        meeting = words[n].numpy() + L_h @ hidden[n].numpy() + L_z @ context[n].numpy()
        np.testing.assert_allclose(logits[n], L_o @ meeting + b, rtol=1e-4, atol=1e-5)


def test_deep_output_drops_only_in_training() -> None:
    torch.manual_seed(0)
    layer = DeepOutput(embedding_dim=3, hidden_dim=4, context_dim=5, vocab_size=7, dropout=0.5)
    parts = torch.randn(2, 3), torch.randn(2, 4), torch.randn(2, 5)
    assert not torch.equal(layer(*parts), layer(*parts))
    layer.eval()
    assert torch.equal(layer(*parts), layer(*parts))


def test_each_field_of_a_state_has_its_own_perceptron() -> None:
    torch.manual_seed(0)
    cell = LSTMCell(input_dim=2, hidden_dim=4, forget_bias=1.0)
    layer = InitialState(cell=cell, input_dim=3)
    inputs = torch.randn(2, 3)
    state = layer(inputs)
    assert isinstance(state, cell.state_type)
    assert not torch.equal(state.hidden, state.cell)
    for name, value in state._asdict().items():
        first, _, second, _ = layer.fields[name]
        W, b, V, c = (
            p.detach().numpy() for p in (first.weight, first.bias, second.weight, second.bias)
        )
        for n in range(2):
            expected = np.tanh(V @ np.maximum(W @ inputs[n].numpy() + b, 0) + c)
            np.testing.assert_allclose(value[n].detach(), expected, rtol=1e-5, atol=1e-6)


def test_locations_are_numbered_row_by_row() -> None:
    features = torch.arange(2 * 3 * 2 * 4).view(2, 3, 2, 4)
    values = locations(features)
    assert values.shape == (2, 8, 3)
    for row in range(2):
        for column in range(4):
            assert torch.equal(values[:, 4 * row + column], features[:, :, row, column])


def test_locations_of_a_channels_last_map_are_no_copy() -> None:
    features = torch.randn(2, 3, 2, 4).to(memory_format=torch.channels_last)
    assert locations(features).data_ptr() == features.data_ptr()


def test_vector_of_the_padding_is_zero_and_stays_so() -> None:
    torch.manual_seed(0)
    embedding = word_embedding(vocab_size=5, embedding_dim=3, pad_id=2)
    assert not embedding.weight[2].any()
    assert embedding.weight.abs().max() <= 0.1
    F.cross_entropy(embedding(torch.tensor([0, 2])), torch.tensor([1, 1])).backward()
    assert not embedding.weight.grad[2].any()
    assert embedding.weight.grad[0].any()
