"""timm backbones: what they state, what they give, and what is trained."""

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import yaml
from torch import Tensor, nn

from seqlab.components.backbones.timm import TimmBackbone
from tests.unit.components.backbones.timm_parts import build

CONF = Path(__file__).parents[4] / "conf" / "backbone"


# ---------------------------------------------------------------- what the yamls say


def configs() -> dict[str, dict[str, Any]]:
    loaded = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(CONF.glob("*.yaml"))}
    return {
        name: config
        for name, config in loaded.items()
        if config["_target_"].endswith(".TimmBackbone") and config["name"] != "???"
    }


MAPS = {  # pixels, and the map that the papers and timm's documentation give for them
    "vgg16": (224, [512, 14, 14], 16),
    "vgg19": (224, [512, 14, 14], 16),
    "resnet50": (224, [2048, 7, 7], 32),
    "resnet101": (224, [2048, 7, 7], 32),
    "inception_v4": (299, [1536, 8, 8], 32),
    "inception_resnet_v2": (299, [1536, 8, 8], 32),
    "mobilenetv2_100": (224, [1280, 7, 7], 32),
}


@pytest.mark.parametrize("name", configs())
def test_each_config_gives_the_map_it_promises(name: str) -> None:
    config = {k: v for k, v in configs()[name].items() if k != "_target_"}
    pixels, shape, stride = MAPS[name]
    with torch.device("meta"):  # shapes without the cost of numbers
        backbone = TimmBackbone(**{**config, "weights": None})
        features = backbone(torch.empty(2, 3, pixels, pixels))
    assert list(features.shape) == [2, *shape]
    assert (backbone.channels, backbone.stride, backbone.frozen) == (shape[0], stride, True)
    assert config["weights"] == "hub"


def test_vgg19_ends_after_conv5_4_and_its_relu() -> None:
    with torch.device("meta"):
        layers = list(build(name="vgg19", out_index=4).model.features)
    assert sum(isinstance(layer, nn.Conv2d) for layer in layers) == 16
    assert isinstance(layers[-1], nn.ReLU)
    assert sum(isinstance(layer, nn.MaxPool2d) for layer in layers) == 4


@pytest.mark.parametrize("name", ["test_vit", "test_resnet", "test_convnext", "test_mambaout"])
def test_any_model_states_its_channels_and_stride(name: str) -> None:
    with torch.device("meta"):
        backbone = build(name=name)
        features = backbone(torch.empty(1, 3, 160, 160))
    height = 160 // backbone.stride
    assert list(features.shape) == [1, backbone.channels, height, height]


def test_the_config_for_any_model_builds_one() -> None:
    config = yaml.safe_load((CONF / "timm.yaml").read_text())
    config.pop("_target_")
    assert config["name"] == "???"
    TimmBackbone(**{**config, "name": "test_resnet", "weights": None})


# ---------------------------------------------------------------- features


@pytest.mark.parametrize("out_index", [0, 2, -1])
def test_features_are_those_of_the_whole_model(out_index: int) -> None:
    backbone = build(out_index=out_index, mean=(0.4, 0.5, 0.6), std=(0.1, 0.2, 0.3)).eval()
    torch.manual_seed(0)
    whole = timm.create_model("test_resnet").eval()
    images = torch.rand(2, 3, 64, 64)

    x = images.clone()
    for channel, (mean, std) in enumerate([(0.4, 0.1), (0.5, 0.2), (0.6, 0.3)]):
        x[:, channel] = (x[:, channel] - mean) / std
    with torch.no_grad():
        x = whole.act1(whole.bn1(whole.conv1(x)))
        for layer in (whole.layer1, whole.layer2, whole.layer3, whole.layer4)[: out_index % 5]:
            x = layer(whole.maxpool(x) if layer is whole.layer1 else x)
    torch.testing.assert_close(backbone(images), x, rtol=1e-4, atol=1e-5)


def test_out_index_null_keeps_all_but_the_classifier() -> None:
    backbone = build(name="test_efficientnet", out_index=None)
    torch.manual_seed(0)
    whole = timm.create_model("test_efficientnet").eval()
    images = torch.rand(2, 3, 64, 64)
    normalised = (images - torch.tensor(backbone.mean).view(3, 1, 1)) / torch.tensor(
        backbone.std
    ).view(3, 1, 1)
    with torch.no_grad():
        expected = whole.forward_features(normalised)
    assert expected.shape[1] == backbone.channels
    torch.testing.assert_close(backbone(images), expected, rtol=1e-4, atol=1e-5)


def test_a_transformer_needs_a_stage() -> None:
    with pytest.raises(ValueError, match="set out_index"):
        build(name="test_vit", out_index=None)(torch.rand(1, 3, 160, 160))


# ---------------------------------------------------------------- what is trained


def run_one_step(backbone: TimmBackbone) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The state dict before and after a training step."""
    before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    head = nn.Linear(backbone.channels, 1)
    container = nn.ModuleList([backbone, head]).train()
    trained = [p for p in container.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=100.0)  # so that each change shows
    loss = head(backbone(torch.rand(4, 3, 64, 64)).mean(dim=(2, 3))).square().mean()
    loss.backward()
    optimizer.step()
    return before, backbone.state_dict()


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_pixels_get_gradients_through_a_frozen_backbone_where_somebody_asks() -> None:
    backbone = build()
    images = torch.rand(1, 3, 64, 64)
    assert not backbone(images).requires_grad
    asked = images.clone().requires_grad_()
    for maps in ([backbone(asked)], backbone.stages(asked)):
        (gradient,) = torch.autograd.grad(sum(each.sum() for each in maps), asked)
        assert float(gradient.abs().sum()) > 0
    assert all(parameter.grad is None for parameter in backbone.parameters())


def test_a_frozen_backbone_never_changes() -> None:
    backbone = build()
    assert backbone.frozen
    assert not changed(*run_one_step(backbone))
    assert not any(module.training for module in backbone.model.modules())
    images = torch.rand(2, 3, 64, 64)
    features = backbone.train()(images)
    assert not features.requires_grad  # nothing was recorded
    assert torch.equal(features, backbone.eval()(images))


def test_the_last_stages_are_trained_and_the_others_keep_their_statistics() -> None:
    backbone = build(train="last", num_trained_stages=2)
    assert not backbone.frozen
    touched = changed(*run_one_step(backbone))
    assert {name.split(".")[1] for name in touched} == {"layer3", "layer4"}
    assert any("running_mean" in name for name in touched)
    assert all(p.grad is None for p in backbone.model.layer2.parameters())
    assert not any(module.training for module in backbone.model.layer2.modules())
    assert backbone.model.layer4[0].bn1.training
    backbone.eval()
    assert not any(module.training for module in backbone.modules())


def test_all_is_trained() -> None:
    backbone = build(train="all")
    assert all(p.requires_grad for p in backbone.parameters())
    touched = changed(*run_one_step(backbone))
    assert {"model.conv1.0.weight", "model.bn1.running_mean"} <= touched
    layers = {name.split(".")[1] for name in touched}
    assert layers == {"conv1", "bn1", "layer1", "layer2", "layer3", "layer4"}
    every = build(train="last", num_trained_stages=5)
    assert all(p.requires_grad for p in every.parameters())


def test_a_transformer_trains_its_last_blocks_but_not_its_class_token() -> None:
    backbone = build(name="test_vit", train="last", num_trained_stages=1)
    trained = {name for name, p in backbone.model.named_parameters() if p.requires_grad}
    last = len(backbone.model.blocks) - 1
    assert trained
    assert all(name.startswith(f"blocks.{last}.") for name in trained)


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"name": "resnet5"}, "no model resnet5; near are .*resnet50"),
        ({"out_index": 5}, "stages 0 to 4"),
        ({"train": "some"}, "none, last or all"),
        ({"train": "last", "num_trained_stages": 6}, "from 1 to 5"),
        ({"train": "last", "num_trained_stages": 0}, "from 1 to 5"),
    ],
)
def test_settings_without_meaning_are_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        build(**changes)


def test_normalisation_is_timms_unless_given() -> None:
    assert build(name="test_resnet").mean == tuple(timm.get_pretrained_cfg("test_resnet").mean)
    assert build(mean=[0.5, 0.5, 0.5]).mean == (0.5, 0.5, 0.5)


def test_options_reach_the_builder() -> None:
    same = build(name="test_efficientnet", options={"pad_type": "same"})
    assert type(same.model.conv_stem).__name__ == "Conv2dSame"


def test_fingerprints_tell_features_apart() -> None:
    images = torch.rand(1, 3, 64, 64)
    one, two = build(), build()
    assert torch.equal(one(images), two(images))
    assert one.fingerprint() == two.fingerprint() == build(train="all").fingerprint()
    with torch.no_grad():
        two.model.layer4[0].conv1.weight[0, 0, 0, 0] += 1e-3
    others = [two, build(out_index=3), build(mean=(0.1, 0.1, 0.1)), build(std=(0.1, 0.1, 0.1))]
    others.append(build(name="test_resnet", options={"act_layer": "silu"}))
    assert len({one.fingerprint(), *(other.fingerprint() for other in others)}) == 6
