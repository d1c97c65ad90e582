"""MNC and SDS: gradients through boxes, matching, segments, and that detections are well formed."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

pytest.importorskip("skimage")

from seqlab.components.backbones.small_pyramid import SmallPyramid
from seqlab.components.regions.grouping import grouped
from seqlab.components.regions.proposals import RegionProposals
from seqlab.components.regions.sampling import by_chance
from seqlab.models.instances.mnc import MNC
from seqlab.models.instances.sds import SDS
from seqlab.models.interfaces import InstanceModel, Instances
from seqlab.models.named_regions import best_of


def mnc(**changes: Any) -> MNC:
    torch.manual_seed(0)
    settings: dict[str, Any] = {
        "num_classes": 3,
        "backbone": SmallPyramid(widths=[4, 6, 8]),
        "stride": 4,
        "channels": 6,
        "hidden_dim": 8,
        "warp_size": 6,
        "num_stages": 5,
        "scales": [12.0],
        "ratios": [1.0],
        "num_proposals": 4,
        "proposal_overlap": 0.7,
        "positive_overlap": 0.5,
        "mask_overlap": 0.4,
        "least_score": 0.0,
        "max_objects": 5,
    }
    return MNC(**{**settings, **changes})


def sds(**changes: Any) -> SDS:
    torch.manual_seed(0)
    settings: dict[str, Any] = {
        "num_classes": 3,
        "backbone": SmallPyramid(widths=[4, 6]),
        "crop_size": 8,
        "hidden_dim": 8,
        "grid_size": 4,
        "refine": True,
        "num_sampled": 6,
        "positive_overlap": 0.5,
        "least_size": 0.01,
        "greatest_size": 0.6,
        "mask_overlap": 0.4,
        "least_score": 0.0,
        "max_objects": 5,
        "cached_images": 10,
    }
    return SDS(**{**settings, **changes})


def scene() -> tuple[Tensor, Instances]:
    """Two images of 32 x 36 pixels; a red square on both, and a blue one on the first."""
    images = torch.full((2, 3, 32, 36), 0.5) + 0.01 * torch.rand(2, 3, 32, 36)
    masks = torch.zeros(2, 2, 32, 36, dtype=torch.bool)
    masks[0, 0, 4:16, 4:16] = masks[1, 0, 10:24, 12:26] = masks[0, 1, 18:30, 20:32] = True
    images[:, 0] += 0.4 * masks[:, 0]
    images[:, 2] += 0.4 * masks[:, 1]
    boxes = torch.tensor([[[4.0, 4, 16, 16], [20, 18, 32, 30]], [[12, 10, 26, 24], [0, 0, 0, 0]]])
    return images, Instances(boxes, torch.tensor([[0, 2], [0, -1]]), masks)


@pytest.mark.parametrize("make", [mnc, sds])
def test_detections_are_well_formed(make: Any) -> None:
    images, _ = scene()
    model: InstanceModel = make().eval()
    found = model.detect(images)
    real = found.labels >= 0
    assert found.masks.shape[2:] == images.shape[2:]
    assert real.any(dim=1).all()
    assert (found.scores.diff(dim=1) <= 0).all()
    assert found.masks.flatten(2).any(dim=2).equal(real)
    assert not found.boxes[~real].any()
    for image, place in real.nonzero().tolist():
        rows, columns = found.masks[image, place].nonzero(as_tuple=True)
        left, top, right, bottom = found.boxes[image, place].tolist()
        assert (left, right) == (columns.min(), columns.max() + 1)
        assert (top, bottom) == (rows.min(), rows.max() + 1)


@pytest.mark.parametrize("make", [mnc, sds])
def test_what_has_no_label_changes_no_loss(make: Any) -> None:
    """Padding, and crowds, whose boxes and masks are no objects to learn."""
    images, truth = scene()
    boxes, masks = torch.zeros(2, 3, 4), torch.zeros(2, 3, 32, 36, dtype=torch.bool)
    boxes[:, 0], masks[:, 0] = torch.tensor([0.0, 0, 36, 32]), True
    boxes[:, 1], masks[:, 1, 4:16, 20:32] = torch.tensor([20.0, 4, 32, 16]), True
    padded = Instances(
        torch.cat([truth.boxes, boxes], dim=1),
        torch.cat([truth.labels, torch.full((2, 3), -1)], dim=1),
        torch.cat([truth.masks, masks], dim=1),
    )
    # Normalisation by the batch would tell of the boxes of padding; so would chance.
    model = make(num_sampled=1000) if make is sds else make()
    model.eval()
    torch.manual_seed(1)
    plain = model(images, truth)
    torch.manual_seed(1)
    more = model(images, padded)
    for name, term in plain.items():
        assert term.value.shape == (2,)
        torch.testing.assert_close(more[name].value, term.value)


@pytest.mark.parametrize("make", [mnc, sds])
def test_an_image_without_objects_has_a_finite_loss(make: Any) -> None:
    images, truth = scene()
    empty = Instances(truth.boxes * 0, torch.full_like(truth.labels, -1), truth.masks & False)
    model = make()
    total = torch.stack([term.value.sum() for term in model(images, empty).values()]).sum()
    total.backward()
    for parameter in model.parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all()


def test_later_losses_reach_the_boxes_of_the_first_stage() -> None:
    """The gradient with respect to the box that end-to-end training needs."""
    images, truth = scene()
    model = mnc(num_stages=3)
    losses = model(images, truth)
    assert set(losses) == {"objectness", "box", "mask", "category"} == set(model.auxiliary_names)
    losses["category"].value.sum().backward()
    assert model.proposals.steps.weight.grad is not None
    assert model.proposals.steps.weight.grad.abs().sum() > 0
    assert model.proposals.objectness.weight.grad is None  # which box is taken has none


def test_five_stages_share_their_weights() -> None:
    names = {name for name, _ in mnc(num_stages=5).named_parameters()}
    assert names - {name for name, _ in mnc(num_stages=3).named_parameters()} == {
        "to_steps.weight",
        "to_steps.bias",
    }
    with pytest.raises(ValueError, match="3 or 5, not 4"):
        mnc(num_stages=4)
    with pytest.raises(ValueError, match="4, 8, not 3"):
        mnc(stride=3)


def test_proposals_of_known_scores_are_those_of_the_loop() -> None:
    network = RegionProposals(
        channels=2,
        stride=8,
        scales=[10.0],
        ratios=[1.0],
        num_proposals=2,
        overlap=0.5,
        positive=0.6,
        negative=0.3,
        num_sampled=8,
    )
    boxes = torch.tensor([[[0.0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 45], [5, 5, 8, 8]]])
    logits = torch.tensor([[2.0, 3.0, 1.0, -1.0]])
    proposed = network.propose(logits, boxes, (40, 40))
    assert proposed.tolist() == [[[1, 0, 11, 10], [20, 20, 30, 40]]]


def test_as_many_as_asked_by_chance() -> None:
    torch.manual_seed(0)
    chosen = torch.rand(3, 50) < 0.4
    taken = by_chance(chosen, torch.tensor([0, 5, 1000]))
    assert taken.sum(dim=1).tolist() == [0, 5, int(chosen[2].sum())]
    assert not (taken & ~chosen).any()
    assert not torch.equal(by_chance(chosen, 5), by_chance(chosen, 5))


def test_the_surest_of_overlapping_masks_is_named() -> None:
    masks = torch.zeros(1, 3, 4, 8, dtype=torch.bool)
    masks[0, 0, :, :4] = masks[0, 1, :, :5] = masks[0, 2, :, 6:] = True
    logits = torch.tensor([[[1.0, 0, 0], [3.0, 0, 0], [0, 2.0, 0]]])
    found = best_of(logits, masks, overlap=0.5, least_score=0.1, most=5)
    assert found.labels.tolist() == [[0, 1]]
    assert found.boxes.tolist() == [[[0, 0, 5, 4], [6, 0, 8, 4]]]
    scores = [np.exp(3) / (np.exp(3) + 2), np.exp(2) / (np.exp(2) + 2)]
    np.testing.assert_allclose(found.scores[0], scores, rtol=1e-6)


def test_joined_superpixels_have_each_square_as_a_segment() -> None:
    images, truth = scene()
    regions, members = grouped(images[0], least=0.01, greatest=0.6)
    masks = members[:, regions]  # [P, height, width]
    for mask in truth.masks[0]:
        assert (masks == mask).flatten(1).float().mean(dim=1).max() > 0.97
    shares = masks.flatten(1).float().mean(dim=1)
    assert ((shares >= 0.01) & (shares <= 0.6)).all()


def test_neighbours_of_like_colour_are_joined_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """0 over 1 on the left, 2 over 3 on the right: 0 is like 3, which it does not touch, then 1."""
    regions = torch.tensor([[0, 0, 2, 2], [0, 0, 2, 2], [1, 1, 3, 3]])
    monkeypatch.setattr("seqlab.components.regions.grouping.superpixels", lambda image: regions)
    reds = torch.tensor([0.5, 0.6, 1.0, 0.5])
    image = torch.stack([reds[regions], torch.zeros(3, 4), torch.zeros(3, 4)])
    found = grouped(image, least=0.0, greatest=1.0).members.int().tolist()
    # By Ward: 0 and 1 4/3 * 0.01, 1 and 3 1 * 0.01, 2 and 3 4/3 * 0.25, 0 and 2 2 * 0.25.
    assert found[:4] == torch.eye(4).int().tolist()
    assert found[4:] == [[0, 1, 0, 1], [1, 1, 0, 1], [1, 1, 1, 1]]
    assert len(grouped(image, least=0.3, greatest=0.9).members) == 4


def test_segments_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(image: Tensor, **settings: float) -> Any:
        calls.append(image)
        return grouped(image, **settings)

    monkeypatch.setattr("seqlab.models.instances.sds.grouped", counted)
    images, _ = scene()
    model = sds().eval()
    model.detect(images)
    model.detect(images.flip(0))
    assert len(calls) == 2
