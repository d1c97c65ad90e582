"""Every translation model with every part: forcing against decoding, padding, gradients, search."""

import pytest
import torch

from seqlab.components.decoding.beam import Beam
from seqlab.models.interfaces import Sentences
from tests.unit.models.teaching import check_forcing, check_gradients
from tests.unit.models.translation.parts import (
    END,
    MODELS,
    PAD,
    START,
    TARGET_VOCABULARY,
    build,
    example,
)


@pytest.mark.parametrize(
    ("name", "training"),
    [
        *((name, False) for name in MODELS),
        # One that samples all steps together draws in another order than step by step.
        *((name, True) for name in MODELS if name != "luong hard stacked"),
    ],
)
def test_teacher_forcing_equals_stepping(name: str, training: bool) -> None:
    model = build(name).train(training)
    source, tokens, lengths = example()
    check_forcing(model, source, tokens, lengths)


@pytest.mark.parametrize("name", MODELS)
def test_padding_further_changes_no_output(name: str) -> None:
    model = build(name).eval()
    source, tokens, lengths = example()
    short = model(source, tokens, lengths)
    wider = Sentences(torch.cat([source.tokens, torch.full((3, 2), PAD)], dim=1), source.lengths)
    longer = torch.cat([tokens, torch.full((3, 2), PAD)], dim=1)
    long = model(wider, longer, lengths)

    torch.testing.assert_close(long.logits[:, :5], short.logits)
    if short.weights is not None:
        torch.testing.assert_close(long.weights[:, :5, :5], short.weights)
        assert not long.weights[:, :, 5:].any()


@pytest.mark.parametrize("name", MODELS)
def test_a_sentence_is_the_same_alone_and_in_a_batch(name: str) -> None:
    model = build(name).eval()
    source, tokens, lengths = example()
    together = model(source, tokens, lengths)
    for n in range(3):
        S, T = int(source.lengths[n]), int(lengths[n])
        row = slice(n, n + 1)
        one = Sentences(source.tokens[row, :S], source.lengths[row])
        alone = model(one, tokens[row, : T + 1], lengths[row])
        torch.testing.assert_close(alone.logits[0], together.logits[n, :T])
        if alone.weights is not None:
            torch.testing.assert_close(alone.weights[0], together.weights[n, :T, :S])
            assert not together.weights[n, :, S:].any()


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_gets_a_finite_gradient(name: str) -> None:
    model = build(name, dropout=0.2).train()
    source, tokens, lengths = example()
    check_gradients(model, source, tokens, lengths, may_vanish="relu" in name)


@pytest.mark.parametrize("name", MODELS)
def test_beam_search_finds_what_the_model_scores(name: str) -> None:
    model = build(name).eval()
    source, _, _ = example()
    search = Beam(beam_size=3, num_best=2, length_penalty=0.0, coverage_penalty=0.0, max_length=6)
    state, memory = model.encode(source)
    found = search(model.step, state, memory, start_id=START, end_id=END)

    assert (found.weights is None) == (state.weights is None)
    for best in range(2):
        start = torch.full((3, 1), START)
        forced = model(
            source, torch.cat([start, found.tokens[:, best]], dim=1), found.lengths[:, best]
        )
        log_p = forced.logits.log_softmax(dim=2)  # [B, T, V]
        assert log_p.shape[2] == TARGET_VOCABULARY
        chosen = log_p.gather(2, found.tokens[:, best].unsqueeze(2)).squeeze(2)  # [B, T]
        for n, length in enumerate(found.lengths[:, best].tolist()):
            total = chosen[n, :length].sum()
            torch.testing.assert_close(total, found.log_probabilities[n, best].double())
            if found.weights is not None:
                weights = found.weights[n, best, :length].double()
                torch.testing.assert_close(weights, forced.weights[n, :length])


@pytest.mark.parametrize("name", MODELS)
def test_an_empty_sentence_can_be_read_and_written(name: str) -> None:
    model = build(name).eval()
    source = Sentences(torch.tensor([[END]]), torch.tensor([1]))
    forced = model(source, torch.tensor([[START, END]]), torch.tensor([1]))
    assert forced.logits.shape == (1, 1, TARGET_VOCABULARY)
    assert forced.logits.isfinite().all()


@pytest.mark.parametrize("name", ["luong general stacked reversed fed", "luong dot lstm reversed"])
def test_weights_stand_in_the_written_order(name: str) -> None:
    """The model whose encoder is fed the reversed words by hand attends to mirrored places."""
    backwards, forwards = build(name).eval(), build(name.replace(" reversed", "")).eval()
    forwards.load_state_dict(backwards.state_dict())
    source, tokens, lengths = example()
    mirrored = source.tokens.clone()
    for n, length in enumerate(source.lengths.tolist()):
        mirrored[n, : length - 1] = source.tokens[n, : length - 1].flip(0)
    one = backwards(source, tokens, lengths)
    two = forwards(Sentences(mirrored, source.lengths), tokens, lengths)

    torch.testing.assert_close(one.logits, two.logits)
    for n, length in enumerate(source.lengths.tolist()):
        words, end = one.weights[n, :, : length - 1], one.weights[n, :, length - 1]
        torch.testing.assert_close(words.flip(1), two.weights[n, :, : length - 1])
        torch.testing.assert_close(end, two.weights[n, :, length - 1])
