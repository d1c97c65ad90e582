"""Ensembles against the mean of the members' probabilities, worked out one by one."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seqlab.components.backbones.interface import Backbone
from seqlab.components.decoding.beam import Beam
from seqlab.components.decoding.greedy import Greedy
from seqlab.models.ensemble import CaptioningEnsemble, Ensemble, JointBackbone, log_mean
from seqlab.models.interfaces import CaptioningModel
from tests.unit.models.captioning_parts import END, START, NoBackbone, build, example

ATTENDING = ["show_attend_tell additive lstm", "show_attend_tell dot gru_after"]
MIXED = [*ATTENDING, "show_tell lstm", "neuraltalk elman_tanh"]


class Pooling(Backbone):
    """Means of squares of pixels, scaled by a number."""

    mean = std = (0.0, 0.0, 0.0)
    frozen = True

    def __init__(self, stride: int, scale: float, channels: int = 3) -> None:
        super().__init__()
        self.stride, self.channels = stride, channels
        self.scale = nn.Parameter(torch.tensor(scale))

    def forward(self, images: Tensor) -> Tensor:
        pooled = nn.functional.avg_pool2d(images, self.stride)[:, : self.channels]
        return pooled * self.scale

    def fingerprint(self) -> str:
        return f"{self.stride} {self.scale.item()} {self.channels}"


def members(names: list[str]) -> list[CaptioningModel]:
    """Models in evaluation, no two alike."""
    models = [build(name).eval() for name in names]
    for number, model in enumerate(models):
        for parameter in model.parameters():
            parameter.data *= 1 + 0.3 * number
    return models


@pytest.mark.parametrize("names", [ATTENDING, MIXED, ATTENDING[:1]], ids=len)
def test_a_step_is_the_mean_of_the_members_steps(names: list[str]) -> None:
    models = members(names)
    ensemble = Ensemble(members=models).eval()
    source, tokens, lengths = example()
    state, memory = ensemble.encode(source)
    alone = [model.encode(source) for model in models]
    for t in range(tokens.shape[1] - 1):
        found, state = ensemble.step(tokens[:, t], state, memory)
        probabilities, attended = [], []
        for n, model in enumerate(models):
            scores, next_state = model.step(tokens[:, t], *alone[n])
            alone[n] = (next_state, alone[n][1])
            probabilities.append(scores.exp())
            attended.append(next_state.weights)
        torch.testing.assert_close(found.exp(), sum(probabilities) / len(models))
        if names is MIXED:
            assert state.weights is None
        else:
            torch.testing.assert_close(state.weights, sum(attended) / len(models))

    forced = ensemble(source, tokens, lengths)
    each = [model(source, tokens, lengths) for model in models]
    mean = sum(one.logits.softmax(dim=2) for one in each) / len(models)
    torch.testing.assert_close(forced.logits.softmax(dim=2), mean)
    torch.testing.assert_close(forced.logits, mean.log())  # normalised already
    assert forced.auxiliary == {}
    assert (forced.weights is None) == (names is MIXED)


def test_one_member_is_that_member() -> None:
    (model,) = members(ATTENDING[:1])
    source, _, _ = example()
    found = [
        Beam(beam_size=3, num_best=2, length_penalty=0.5, coverage_penalty=0.1, max_length=6)(
            each.step, *each.encode(source), start_id=START, end_id=END
        )
        for each in (model, Ensemble(members=[model]))
    ]
    assert torch.equal(found[0].tokens, found[1].tokens)
    for one, other in zip(found[0][2:], found[1][2:], strict=True):
        torch.testing.assert_close(one, other)


def test_a_search_reorders_every_member() -> None:
    source, _, _ = example()
    models = members(MIXED)
    ensemble = Ensemble(members=models).eval()
    search = Beam(beam_size=4, num_best=4, length_penalty=0.0, coverage_penalty=0.0, max_length=5)
    found = search(ensemble.step, *ensemble.encode(source), start_id=START, end_id=END)
    for row in range(len(source)):
        for tokens, length, expected in zip(
            found.tokens[row], found.lengths[row], found.log_probabilities[row], strict=True
        ):
            said = torch.cat([torch.tensor([START]), tokens[:length]]).unsqueeze(0)
            forced = ensemble(source[row : row + 1], said, length.unsqueeze(0))
            scores = forced.logits.log_softmax(dim=2).gather(2, said[:, 1:].unsqueeze(2))
            torch.testing.assert_close(scores.sum(), expected)


def test_log_mean_keeps_what_is_impossible_and_what_is_tiny() -> None:
    first = torch.tensor([0.0, -torch.inf, -2000.0])
    second = torch.tensor([0.0, -torch.inf, -torch.inf])
    expected = torch.tensor([0.0, -torch.inf, -2000.0 - 0.6931472])
    torch.testing.assert_close(log_mean([first, second]), expected)


def test_members_look_through_backbones_of_their_own() -> None:
    backbones = [Pooling(2, 1.0), Pooling(2, 3.0, channels=2), Pooling(2, 1.0)]
    names = ["show_attend_tell additive lstm", "show_tell lstm", "neuraltalk elman_tanh"]
    models = [
        build(name, backbone=backbone).eval()
        for name, backbone in zip(names, backbones, strict=True)
    ]
    for backbone, scale in zip(backbones, (1.0, 3.0, 1.0), strict=True):
        backbone.scale.data.fill_(scale)  # `build` moved them
    ensemble = CaptioningEnsemble(members=models).eval()
    images = torch.rand(2, 3, 4, 6, dtype=torch.float64)
    maps = ensemble.backbone(images)
    assert maps.shape == (2, 3 + 2, 2, 3)  # the first and the last look through the same
    assert ensemble.backbone.channels == 5
    assert ensemble.backbone.stride == 2
    assert ensemble.backbone.frozen
    _, tokens, lengths = example(batch_size=2)
    forced = ensemble(maps, tokens, lengths)
    probabilities = [
        model(model.backbone(images), tokens, lengths).logits.softmax(dim=2) for model in models
    ]
    torch.testing.assert_close(forced.logits.softmax(dim=2), sum(probabilities) / 3)
    state, memory = ensemble.encode(maps)
    first, _ = ensemble.step(tokens[:, 0], state, memory)
    torch.testing.assert_close(first, forced.logits[:, 0])


def test_a_backbone_that_all_share_stays_as_it_is() -> None:
    models = members(ATTENDING)
    ensemble = CaptioningEnsemble(members=models)
    assert ensemble.backbone is models[0].backbone  # so that its kept features are found
    assert isinstance(ensemble.backbone, NoBackbone)


def test_a_joint_backbone_is_known_by_its_parts() -> None:
    parts = [Pooling(2, 1.0), Pooling(2, 2.0)]
    one, other = JointBackbone(parts=parts), JointBackbone(parts=parts[::-1])
    assert one.fingerprint() == JointBackbone(parts=parts).fingerprint() != other.fingerprint()
    parts[1].frozen = False
    assert not JointBackbone(parts=parts).frozen


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Ensemble(members=[]), "at least one member"),
        (lambda: JointBackbone(parts=[Pooling(2, 1.0), Pooling(4, 1.0)]), "covers 2, 4 pixels"),
    ],
)
def test_what_cannot_be_one(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()


def test_greedy_search_of_an_ensemble_ends() -> None:
    ensemble = CaptioningEnsemble(members=members(MIXED)).eval()
    source, _, _ = example()
    found = Greedy(max_length=4)(
        ensemble.step, *ensemble.encode(source), start_id=START, end_id=END
    )
    assert found.tokens.shape[0] == len(source)
    assert found.weights is None
