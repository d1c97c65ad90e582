"""Every model of video captioning: forcing against steps, padding of frames, batches, gradients."""

import pytest
import torch

from seqlab.models.ensemble import VideoCaptioningEnsemble
from seqlab.models.interfaces import Footage
from tests.unit.models.teaching import check_forcing, check_gradients
from tests.unit.models.video_captioning.parts import (
    MODELS,
    VOCABULARY,
    build,
    footage,
    rows,
    sentences,
)


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("name", MODELS)
def test_teacher_forcing_equals_stepping(name: str, training: bool) -> None:
    model = build(name).train(training)
    check_forcing(model, model.watch(footage()), *sentences())


@pytest.mark.parametrize("name", MODELS)
def test_frames_after_the_last_change_nothing(name: str) -> None:
    model = build(name).eval()
    seen = footage()
    other = seen.frames.clone()
    other[1, 3:], other[2, 1:] = 7.0, -3.0
    longer = torch.cat([other, torch.full_like(other[:, :2], 5.0)], dim=1)
    forced = model(model.watch(seen), *sentences())
    padded = model(model.watch(Footage(longer, seen.lengths)), *sentences())
    torch.testing.assert_close(padded.logits, forced.logits)
    if forced.weights is not None:
        torch.testing.assert_close(padded.weights[:, :, :5], forced.weights)
        for n, length in enumerate(seen.lengths.tolist()):
            assert (padded.weights[n, :, length:] == 0).all()
        torch.testing.assert_close(padded.weights.sum(2), torch.ones(3, 4).double())


@pytest.mark.parametrize("name", MODELS)
def test_frames_before_the_last_change_something(name: str) -> None:
    model = build(name).eval()
    seen = footage()
    for frame in range(3):
        other = seen.frames.clone()
        other[1, frame] = 1 - other[1, frame]
        forced = model(model.watch(seen), *sentences())
        changed = model(model.watch(Footage(other, seen.lengths)), *sentences())
        same = (changed.logits == forced.logits).flatten(1).all(dim=1).tolist()
        # A narrow window may begin behind the first of three frames.
        assert same in ([True, False, True], *([[True] * 3] if "local_m" in name else []))


@pytest.mark.parametrize("name", MODELS)
def test_a_video_is_the_same_alone_and_in_a_batch(name: str) -> None:
    model = build(name).eval()
    seen = footage()
    tokens, lengths = sentences()
    together = model(model.watch(seen), tokens, lengths)
    for n, count in enumerate(seen.lengths.tolist()):
        alone = Footage(seen.frames[n : n + 1, :count], seen.lengths[n : n + 1])
        forced = model(model.watch(alone), tokens[n : n + 1], lengths[n : n + 1])
        torch.testing.assert_close(forced.logits[0], together.logits[n])


@pytest.mark.parametrize("name", MODELS)
def test_a_video_is_watched_once_for_all_its_captions(name: str) -> None:
    model = build(name).eval()
    tokens, lengths = sentences()
    watched = model.watch(footage())
    forced = model(rows(watched, [1, 1, 0]), tokens, lengths)
    for n, video in enumerate([1, 1, 0]):
        alone = model(rows(watched, [video]), tokens[n : n + 1], lengths[n : n + 1])
        torch.testing.assert_close(alone.logits[0], forced.logits[n])


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_gets_a_finite_gradient(name: str) -> None:
    model = build(name, dropout=0.2).train()
    may_vanish = "temporal" in name  # behind a ReLU
    check_gradients(model, model.watch(footage()), *sentences(), may_vanish=may_vanish)


@pytest.mark.parametrize("name", MODELS)
def test_model_keeps_its_word(name: str) -> None:
    model = build(name).train()
    forced = model(model.watch(footage()), *sentences())
    assert forced.logits.shape == (3, 4, VOCABULARY)
    assert set(forced.auxiliary) == set(model.auxiliary_names)
    assert all(term.value.shape == (3,) for term in forced.auxiliary.values())


def test_an_ensemble_of_one_is_its_member() -> None:
    model = build("temporal_attention local").eval()
    both = VideoCaptioningEnsemble(members=[model, model])
    forced = model(model.watch(footage()), *sentences())
    joined = both(both.watch(footage()), *sentences())
    torch.testing.assert_close(joined.logits, forced.logits.log_softmax(dim=2))
    check_forcing(both, both.watch(footage()), *sentences())


def test_the_mean_knows_no_order_and_the_others_do() -> None:
    """Frames turned around: only the mean is the same."""
    seen = footage()
    turned = Footage(seen.frames[:1].flip(1), seen.lengths[:1])
    whole = Footage(seen.frames[:1], seen.lengths[:1])
    tokens, lengths = (each[:1] for each in sentences())
    for name in ("mean_pool_lstm", "temporal_attention", "s2vt", "temporal_attention local"):
        model = build(name).eval()
        one = model(model.watch(whole), tokens, lengths).logits
        other = model(model.watch(turned), tokens, lengths).logits
        knows_order = name in ("s2vt", "temporal_attention local")
        assert torch.allclose(one, other) != knows_order, name
