"""Every captioning model with every part: teacher forcing against decoding, padding, gradients."""

import pytest
import torch

from tests.unit.models.captioning_parts import MODELS, PAD, VOCABULARY, build, example
from tests.unit.models.teaching import check_forcing, check_gradients


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("name", MODELS)
def test_teacher_forcing_equals_stepping(name: str, training: bool) -> None:
    model = build(name).train(training)
    source, tokens, lengths = example()
    check_forcing(model, source, tokens, lengths)


@pytest.mark.parametrize("name", MODELS)
def test_padding_further_changes_no_output(name: str) -> None:
    model = build(name).train()
    source, tokens, lengths = example()
    longer = torch.cat([tokens, torch.full((3, 2), PAD)], dim=1)
    torch.manual_seed(4)
    short = model(source, tokens, lengths)
    if short.auxiliary:  # the moving average has moved
        model.baseline.value.zero_(), model.baseline.num_updates.zero_()
    torch.manual_seed(4)
    long = model(source, longer, lengths)

    torch.testing.assert_close(long.logits[:, :4], short.logits)
    assert long.auxiliary.keys() == short.auxiliary.keys()
    for key, term in short.auxiliary.items():
        torch.testing.assert_close(long.auxiliary[key].value, term.value)
        assert long.auxiliary[key].weight == term.weight


@pytest.mark.parametrize("name", MODELS)
def test_tokens_past_the_end_change_no_output_before_it(name: str) -> None:
    model = build(name).eval()
    source, tokens, lengths = example()
    other = tokens.clone()
    for n, length in enumerate(lengths.tolist()):
        other[n, length + 1 :] = 7
    one, two = model(source, tokens, lengths), model(source, other, lengths)
    for n, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(one.logits[n, : length + 1], two.logits[n, : length + 1])
    for key, term in one.auxiliary.items():
        torch.testing.assert_close(two.auxiliary[key].value, term.value)


@pytest.mark.parametrize("name", MODELS)
def test_an_example_is_the_same_alone_and_in_a_batch(name: str) -> None:
    model = build(name).eval()
    source, tokens, lengths = example()
    together = model(source, tokens, lengths)
    for n in range(3):
        alone = model(source[n : n + 1], tokens[n : n + 1], lengths[n : n + 1])
        torch.testing.assert_close(alone.logits[0], together.logits[n])
        for key, term in alone.auxiliary.items():
            torch.testing.assert_close(term.value[0], together.auxiliary[key].value[n])


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_gets_a_finite_gradient(name: str) -> None:
    model = build(name, dropout=0.2).train()
    source, tokens, lengths = example(batch_size=8)
    check_gradients(model, source, tokens, lengths, may_vanish="relu" in name)


@pytest.mark.parametrize("name", MODELS)
def test_model_keeps_its_word(name: str) -> None:
    model = build(name).train()
    source, tokens, lengths = example()
    forced = model(source, tokens, lengths)
    assert forced.logits.shape == (3, 4, VOCABULARY)
    assert set(forced.auxiliary) == set(model.auxiliary_names)
    assert all(term.value.shape == (3,) for term in forced.auxiliary.values())


@pytest.mark.parametrize("name", MODELS)
def test_one_word_is_enough(name: str) -> None:
    source, tokens, lengths = example(batch_size=1, num_steps=1)
    assert build(name).eval()(source, tokens, lengths).logits.shape == (1, 1, VOCABULARY)
