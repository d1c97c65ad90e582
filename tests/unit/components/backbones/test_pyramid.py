"""Pyramids of feature maps: their sizes and strides, what they hold, and where a location looks."""

import math
from pathlib import Path

import pytest
import timm
import torch
import yaml
from torch import Tensor
from torch.nn import functional as F

from seqlab.components.backbones.interface import Backbone
from seqlab.components.backbones.small_conv import SmallConv
from seqlab.components.backbones.small_pyramid import SmallPyramid
from seqlab.components.backbones.timm import TimmBackbone
from tests.unit.components.backbones.timm_parts import build, settings

CONF = Path(__file__).parents[4] / "conf" / "backbone"

PYRAMIDS = {  # depths and strides that the papers give for each stage
    "vgg16": ((64, 128, 256, 512, 512), (1, 2, 4, 8, 16)),
    "vgg19": ((64, 128, 256, 512, 512), (1, 2, 4, 8, 16)),
    "resnet50": ((64, 256, 512, 1024, 2048), (2, 4, 8, 16, 32)),
    "resnet101": ((64, 256, 512, 1024, 2048), (2, 4, 8, 16, 32)),
    "inception_v4": ((64, 160, 384, 1024, 1536), (2, 4, 8, 16, 32)),
    "inception_resnet_v2": ((64, 192, 320, 1088, 1536), (2, 4, 8, 16, 32)),
    "mobilenetv2_100": ((16, 24, 32, 96, 1280), (2, 4, 8, 16, 32)),
}


def check_sizes(backbone: Backbone, height: int, width: int) -> tuple[Tensor, ...]:
    maps = backbone.pyramid(torch.rand(1, 3, height, width))
    assert list(backbone.pyramid_strides) == sorted(set(backbone.pyramid_strides))
    for found, channels, stride in zip(
        maps, backbone.pyramid_channels, backbone.pyramid_strides, strict=True
    ):
        size = (channels, math.ceil(height / stride), math.ceil(width / stride))
        assert found.shape == (1, *size)
    return maps


@pytest.mark.parametrize("name", PYRAMIDS)
def test_every_stage_of_a_known_network(name: str) -> None:
    config = yaml.safe_load((CONF / f"{name}.yaml").read_text())
    config.pop("_target_")
    with torch.device("meta"):  # shapes without the cost of numbers
        backbone = TimmBackbone(**{**config, "weights": None})
        assert (backbone.pyramid_channels, backbone.pyramid_strides) == PYRAMIDS[name]
        check_sizes(backbone, 160, 224)
        check_sizes(backbone, 181, 131)


@pytest.mark.parametrize("size", [(64, 96), (37, 75), (5, 7), (1, 1)])
@pytest.mark.parametrize("name", ["test_resnet", "test_convnext", "test_vit", "vgg16"])
def test_any_size_of_image_has_one(name: str, size: tuple[int, int]) -> None:
    with torch.device("meta"):
        options = {"dynamic_img_size": True} if name == "test_vit" else {}
        check_sizes(TimmBackbone(**settings(name=name, options=options)), *size)


@pytest.mark.parametrize("out_index", [1, 3, -1])
def test_maps_are_those_of_the_whole_network(out_index: int) -> None:
    backbone = build(out_index=out_index, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)).eval()
    torch.manual_seed(0)
    whole = timm.create_model("test_resnet").eval()
    images = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        x = whole.act1(whole.bn1(whole.conv1((images - 0.5) / 0.25)))
        expected = [x]
        x = whole.maxpool(x)
        for layer in (whole.layer1, whole.layer2, whole.layer3, whole.layer4):
            x = layer(x)
            expected.append(x)
    maps = backbone.pyramid(images)
    assert len(maps) == 1 + out_index % 5
    for found, wanted in zip(maps, expected, strict=False):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    assert torch.equal(maps[-1], backbone(images))


@pytest.mark.parametrize("name", ["test_efficientnet", "test_resnet", "test_convnext"])
def test_without_a_stage_the_last_map_is_all_but_the_classifier(name: str) -> None:
    backbone = build(name=name, out_index=None).eval()
    images = torch.rand(1, 3, 64, 64)
    maps = backbone.pyramid(images)
    torch.testing.assert_close(maps[-1], backbone(images))
    assert maps[-1].shape[1] == backbone.pyramid_channels[-1] == backbone.channels


def test_a_frozen_backbone_records_nothing() -> None:
    images = torch.rand(1, 3, 64, 64)
    assert not any(found.requires_grad for found in build().pyramid(images))
    assert all(found.requires_grad for found in build(train="all").pyramid(images))


@pytest.mark.parametrize(
    "backbone", [SmallConv(channels=8, pretrained=False), SmallPyramid(widths=[4, 6, 8, 8])]
)
def test_a_location_is_centred_on_its_own_pixels(backbone: Backbone) -> None:
    for parameter in backbone.parameters():
        parameter.data.fill_(0.01)  # all positive: no ReLU closes, and every path counts alike
    backbone.eval()
    for level, stride in enumerate(backbone.pyramid_strides):
        images = torch.rand(1, 3, 160, 160, requires_grad=True)
        row, column = 80 // stride, 96 // stride  # out of reach of the borders
        backbone.pyramid(images)[level][0, :, row, column].sum().backward()
        seen = images.grad[0].sum(dim=0)
        rows, columns = (torch.arange(160.0) * seen.sum(dim=d) / seen.sum() for d in (1, 0))
        assert float(rows.sum()) == pytest.approx(stride * (row + 0.5) - 0.5, rel=1e-4)
        assert float(columns.sum()) == pytest.approx(stride * (column + 0.5) - 0.5, rel=1e-4)


def test_what_is_added_repeats_the_border_and_is_cut_off() -> None:
    torch.manual_seed(0)
    backbone = SmallPyramid(widths=[4, 6, 8, 8]).eval()
    images = torch.rand(1, 3, 37, 50)
    continued = F.pad(images, (0, 14, 0, 11), mode="replicate")  # to 48 x 64
    for found, whole in zip(backbone.pyramid(images), backbone.stages(continued), strict=True):
        assert torch.equal(found, whole[:, :, : found.shape[2], : found.shape[3]])


def test_a_network_that_pads_too_little_stays_in_the_middle() -> None:
    class Unpadded(SmallPyramid):
        """Loses a row above and two below, and a column on each side."""

        def stages(self, images: Tensor) -> list[Tensor]:
            return [stage[:, :, 1:-2, 1:-1] for stage in super().stages(images)]

    torch.manual_seed(0)
    unpadded = Unpadded(widths=[4, 6]).eval()
    images = torch.rand(1, 3, 32, 32)
    found, whole = unpadded.pyramid(images)[0], SmallPyramid.stages(unpadded, images)[0]
    assert found.shape == whole.shape
    assert torch.equal(found[:, :, 1:-2, 1:-1], whole[:, :, 1:-2, 1:-1])
    assert torch.equal(found[:, :, 0], found[:, :, 1])
    assert torch.equal(found[:, :, -1], found[:, :, -3])


def test_the_small_pyramid_states_its_maps() -> None:
    config = yaml.safe_load((CONF / "small_pyramid.yaml").read_text())
    config.pop("_target_")
    backbone = SmallPyramid(**config)
    assert (backbone.channels, backbone.stride, backbone.frozen) == (
        config["widths"][-1],
        32,
        False,
    )
    maps = check_sizes(backbone, 128, 96)
    assert torch.equal(
        backbone.eval().pyramid(torch.ones(1, 3, 64, 64))[-1], backbone(torch.ones(1, 3, 64, 64))
    )
    assert len(maps) == 5
    with pytest.raises(ValueError, match="no stage"):
        SmallPyramid(widths=[])


def test_its_fingerprint_tells_weights_apart() -> None:
    backbone = SmallPyramid(widths=[4, 6])
    before = backbone.fingerprint()
    assert before == backbone.fingerprint()
    with torch.no_grad():
        backbone.layers[1][0].weight[0, 0, 0, 0] += 1e-3
    assert backbone.fingerprint() != before


def test_a_backbone_that_tells_of_no_stages_has_the_one_map() -> None:
    class Mean(Backbone):
        channels, stride, frozen = 3, 4, True
        mean = std = (0.0, 0.0, 0.0)

        def forward(self, images: Tensor) -> Tensor:
            return F.avg_pool2d(images, 4)

        def fingerprint(self) -> str:
            return ""

    assert (Mean().pyramid_channels, Mean().pyramid_strides) == ((3,), (4,))
    (found,) = Mean().pyramid(torch.ones(1, 3, 9, 12))
    assert torch.equal(found, torch.ones(1, 3, 3, 3))
