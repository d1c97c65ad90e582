"""The Reencoder against a loop over blocks, and its steps against its grid."""

from typing import Any

import pytest
import torch
from torch import Tensor

from seqlab.components.decoding.beam import Beam
from seqlab.models.interfaces import Sentences
from seqlab.models.translation.grid_lstm_translation import GridLSTMTranslation
from tests.unit.components.grid import naive
from tests.unit.models.translation.parts import END, PAD, SIZES, START, TARGET_VOCABULARY, example


def build(num_layers: int = 2, dropout: float = 0.0) -> GridLSTMTranslation:
    """A model in double precision, every parameter of it away from 0."""
    torch.manual_seed(0)
    model = GridLSTMTranslation(**SIZES, num_layers=num_layers, dropout=dropout).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return model.eval()


def scan(
    model: GridLSTMTranslation, source: list[int], target: list[int]
) -> tuple[Tensor, list[Tensor]]:
    """Logits [T, V] of one pair, by the paper's description and loops over blocks.

    Also what the words of the source have become in each layer, [S, H], as they are written.
    """
    size, num_layers = model.hidden_dim, model.num_layers

    def project(layer: Any, vectors: Tensor) -> Tensor:
        return (vectors @ layer.weight.T + layer.bias).view(-1, num_layers, 2, size)

    words = project(model.enter_source, model.source_embedding.weight[source])  # [S, L, 2, H]
    written = project(model.enter_target, model.target_embedding.weight[target])  # [T, L, 2, H]
    deep = torch.zeros(len(source), len(target), size).double()
    becoming = []
    for number, grid in enumerate(model.layers):
        order = range(len(source))[:: (-1) ** number]
        entering = [
            [
                written[:, number, part].unsqueeze(1),
                words[list(order), number, part].unsqueeze(1),
                deep[list(order)] if part == 0 else None,
            ]
            for part in range(2)
        ]
        hidden, memory = naive.evaluate(grid, (len(source), len(target), 1), *entering)
        deep = torch.zeros_like(deep).index_copy(0, torch.tensor(list(order)), hidden[2])
        becoming.append(hidden[1].squeeze(1)[list(order)])
    read = torch.cat([hidden[0], memory[0]], dim=2).squeeze(1)  # [T, 2 H]
    return read @ model.output.weight.T + model.output.bias, becoming


def decode_along(model: GridLSTMTranslation, source: Sentences, tokens: Tensor) -> Tensor:
    """Log-probabilities [B, T, V] of the steps that a search would take."""
    state, memory = model.encode(source)
    found = []
    for token in tokens[:, :-1].unbind(dim=1):
        log_probabilities, state = model.step(token, state, memory)
        assert state.weights is None
        found.append(log_probabilities)
    return torch.stack(found, dim=1)


@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_equals_scans_block_by_block(num_layers: int) -> None:
    model = build(num_layers)
    source, tokens, lengths = example()
    logits = model(source, tokens, lengths).logits
    for n, (S, T) in enumerate(zip(source.lengths.tolist(), lengths.tolist(), strict=True)):
        alone, _ = scan(model, source.tokens[n, :S].tolist(), tokens[n, :T].tolist())
        torch.testing.assert_close(logits[n, :T], alone)


@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_teacher_forcing_equals_stepping(num_layers: int) -> None:
    model = build(num_layers)
    source, tokens, lengths = example()
    forced = model(source, tokens, lengths)
    stepped = decode_along(model, source, tokens)
    torch.testing.assert_close(forced.logits.log_softmax(2), stepped, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(stepped.exp().sum(2), torch.ones(3, 5).double())
    assert forced.weights is None
    assert forced.auxiliary == {}


def test_stepping_agrees_in_single_precision_too() -> None:
    model = build().float()
    source, tokens, lengths = example()
    forced = model(source, tokens, lengths).logits.log_softmax(2)
    torch.testing.assert_close(decode_along(model, source, tokens), forced, rtol=1e-5, atol=1e-5)


def test_the_state_holds_what_the_source_has_become() -> None:
    model = build()
    source, tokens, _ = example()
    state, memory = model.encode(source)
    for token in tokens[:, :3].unbind(dim=1):
        _, state = model.step(token, state, memory)
    for n, S in enumerate(source.lengths.tolist()):
        _, (first, second) = scan(model, source.tokens[n, :S].tolist(), tokens[n, :3].tolist())
        torch.testing.assert_close(state.hidden[n, 0, :S], first)
        torch.testing.assert_close(state.hidden[n, 1, :S], second.flip(0))
        assert not state.hidden[n, :, S:].any()


def test_padding_further_changes_no_output() -> None:
    model = build()
    source, tokens, lengths = example()
    wider = Sentences(torch.cat([source.tokens, torch.full((3, 2), PAD)], dim=1), source.lengths)
    longer = torch.cat([tokens, torch.full((3, 2), PAD)], dim=1)
    short, long = model(source, tokens, lengths), model(wider, longer, lengths)
    torch.testing.assert_close(long.logits[:, :5], short.logits)


def test_every_parameter_gets_the_gradient_of_the_loop() -> None:
    model = build()
    source, tokens, lengths = example()
    logits = model(source, tokens, lengths).logits.log_softmax(2)
    alone = [
        scan(model, source.tokens[n, :S].tolist(), tokens[n, :T].tolist())[0].log_softmax(1)
        for n, (S, T) in enumerate(zip(source.lengths.tolist(), lengths.tolist(), strict=True))
    ]
    mine = sum(logits[n, :T, 4].sum() for n, T in enumerate(lengths.tolist()))
    parameters = dict(model.named_parameters())
    found = torch.autograd.grad(mine, list(parameters.values()))
    loop = torch.autograd.grad(sum(a[:, 4].sum() for a in alone), list(parameters.values()))
    for name, one, two in zip(parameters, found, loop, strict=True):
        if "embedding" in name:  # the padding is learnt by nobody
            one, two = one[1:], two[1:]
        torch.testing.assert_close(one, two, msg=lambda text, name=name: f"{name}: {text}")
        assert one.any(), name


def test_beam_search_finds_what_the_model_scores() -> None:
    model = build()
    source, _, _ = example()
    search = Beam(beam_size=3, num_best=1, length_penalty=0.0, coverage_penalty=0.0, max_length=6)
    found = search(model.step, *model.encode(source), start_id=START, end_id=END)
    assert found.weights is None
    tokens, lengths = found.tokens[:, 0], found.lengths[:, 0]  # [B, T], [B]
    start = torch.full((3, 1), START)
    forced = model(source, torch.cat([start, tokens], dim=1), lengths).logits.log_softmax(2)
    assert forced.shape[2] == TARGET_VOCABULARY
    chosen = forced.gather(2, tokens.unsqueeze(2)).squeeze(2)  # [B, T]
    for n, length in enumerate(lengths.tolist()):
        expected = found.log_probabilities[n, 0].double()
        torch.testing.assert_close(chosen[n, :length].sum(), expected)


def test_dropout_falls_in_training_only() -> None:
    model = build(dropout=0.5)
    source, tokens, lengths = example()
    one, two = (model(source, tokens, lengths).logits for _ in range(2))
    assert torch.equal(one, two)
    model.train()
    one, two = (model(source, tokens, lengths).logits for _ in range(2))
    assert not torch.equal(one, two)


def test_no_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="num_layers is at least 1"):
        GridLSTMTranslation(**SIZES, num_layers=0, dropout=0.0)
