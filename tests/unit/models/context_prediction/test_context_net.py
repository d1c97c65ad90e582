"""The two towers against a network that concatenates, and CaffeNet against its layers."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from seqlab.components.backbones.caffenet import CaffeNet
from seqlab.components.backbones.small_pyramid import SmallPyramid
from seqlab.components.backbones.timm import TimmBackbone
from seqlab.models.context_prediction.context_net import ContextNet
from seqlab.models.patch_position.patch_locator import BackboneLocator


def small(**changed: int) -> ContextNet:
    sizes = {"patch_size": 16, "fc6_dim": 12, "fc7_dim": 10, "fc8_dim": 6} | changed
    return ContextNet(backbone=SmallPyramid(widths=[4, 6, 8]), **sizes)


def standard(x: torch.Tensor) -> torch.Tensor:
    """Batch normalisation without scale and shift."""
    return (x - x.mean(dim=0)) / (x.var(dim=0, correction=0) + 1e-5).sqrt()


@torch.no_grad()
def test_scores_are_those_of_a_network_that_concatenates_both_patches() -> None:
    torch.manual_seed(0)
    model = small().train()
    patches = torch.rand(6, 3, 16, 16)
    pairs = torch.tensor([[0, 1], [1, 0], [2, 5], [4, 3], [0, 5]])
    scores = model(patches, pairs)
    maps = model.backbone(patches).flatten(1)
    fc6 = F.relu(standard(maps @ model.fc6[0].weight.T))
    weight = torch.cat([model.fc7_first.weight, model.fc7_second.weight], dim=1)
    both = torch.stack([torch.cat([fc6[a], fc6[b]]) for a, b in pairs.tolist()])
    fc7 = F.relu(standard(both @ weight.T))
    fc8 = F.relu(standard(fc7 @ model.fc8[0].weight.T))
    expected = fc8 @ model.scores.weight.T + model.scores.bias
    assert torch.allclose(scores, expected, atol=1e-4)


def test_both_halves_of_fc7_start_as_one_layer_of_twice_the_inputs() -> None:
    torch.manual_seed(0)
    model = small(fc6_dim=200, fc7_dim=300)
    for half in (model.fc7_first, model.fc7_second):
        assert float(half.weight.detach().std()) == pytest.approx((2 / 400) ** 0.5, rel=0.05)


def test_which_patch_comes_first_matters() -> None:
    torch.manual_seed(0)
    model = small().eval()
    patches = torch.rand(2, 3, 16, 16)
    scores = model(patches, torch.tensor([[0, 1], [1, 0]]))
    assert not torch.allclose(scores[0], scores[1])


def test_normalisation_has_neither_scale_nor_shift() -> None:
    model = ContextNet(
        patch_size=32, backbone=CaffeNet(width_factor=0.1), fc6_dim=8, fc7_dim=8, fc8_dim=8
    )
    norms = [m for m in model.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]
    assert len(norms) == 8
    assert not any(True for norm in norms for _ in norm.parameters())


def test_a_frozen_backbone_is_refused() -> None:
    backbone = TimmBackbone(
        name="test_resnet",
        weights=None,
        out_index=-1,
        train="none",
        num_trained_stages=1,
        mean=None,
        std=None,
        options={},
    )
    with pytest.raises(ValueError, match="towers are trained"):
        ContextNet(patch_size=32, backbone=backbone, fc6_dim=8, fc7_dim=8, fc8_dim=8)


@torch.no_grad()
def test_caffenet_is_five_convolutions_of_the_known_sizes() -> None:
    torch.manual_seed(0)
    net = CaffeNet(width_factor=1.0).eval()
    shapes = [tuple(net.get_submodule(f"conv{n}")[0].weight.shape) for n in range(1, 6)]
    assert shapes == [  # of AlexNet, whose second, fourth and fifth layers have two groups
        (96, 3, 11, 11),
        (256, 48, 5, 5),
        (384, 256, 3, 3),
        (384, 192, 3, 3),
        (256, 192, 3, 3),
    ]
    images = torch.rand(1, 3, 96, 96)
    x = (images - 0.5) / 0.25
    for number in range(1, 6):
        if number in (2, 3):
            x = F.max_pool2d(x, 3, 2, 1)
        weight = net.get_submodule(f"conv{number}")[0].weight
        groups = 2 if number in (2, 4, 5) else 1
        stride, padding = (4, 5) if number == 1 else (1, weight.shape[2] // 2)
        x = F.relu(F.conv2d(x, weight, None, stride, padding, groups=groups) / np.sqrt(1 + 1e-5))
    assert torch.allclose(net.stages(images)[2], x, atol=1e-4)
    maps = net.pyramid(torch.rand(1, 3, 70, 100))
    assert [tuple(m.shape[1:]) for m in maps] == [
        (96, 18, 25),
        (256, 9, 13),
        (256, 5, 7),
        (256, 3, 4),
    ]
    assert net.pyramid_channels == (96, 256, 256, 256)


def test_where_a_patch_lies_is_read_from_the_mean_of_its_map() -> None:
    torch.manual_seed(0)
    backbone = SmallPyramid(widths=[4, 6])
    model = BackboneLocator(backbone=backbone, hidden_dim=5).eval()
    patches = torch.rand(3, 3, 16, 16)
    summary = backbone(patches).mean(dim=(2, 3))
    assert torch.allclose(model(patches), model.head(summary))
