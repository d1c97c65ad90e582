"""DeconvNet and SegNet: the mirror image written out, and weights of a VGG."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.vgg import make_layers

from seqlab.components.backbones.weights import WeightsError
from seqlab.components.layers.mirrored import MEAN, STD, SwitchedEncoder
from tests.unit.models.segmentation.parts import build


def block(stage: nn.Sequential, features: Tensor) -> Tensor:
    """Convolutions, batch normalisation in evaluation and ReLU, from the weights alone."""
    for convolution, norm in zip(stage[0::3], stage[1::3], strict=True):
        features = F.conv2d(features, convolution.weight, padding=1)
        scale = (norm.weight / (norm.running_var + norm.eps).sqrt()).view(1, -1, 1, 1)
        features = (features - norm.running_mean.view(1, -1, 1, 1)) * scale
        features = F.relu(features + norm.bias.view(1, -1, 1, 1))
    return features


@pytest.mark.parametrize("name", ["deconvnet", "segnet"])
def test_the_decoder_is_the_encoder_reversed(name: str) -> None:
    model = build(name).eval()
    images = torch.rand(2, 3, 32, 24).double()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    features, places = (images - mean) / std, []
    for stage in model.encoder.stages:
        features = block(stage, features)
        features, where = F.max_pool2d(features, 2, return_indices=True)
        places.append(where)
    if name == "deconvnet":
        fc6, fc7 = model.head[0:3], model.head[4:7]
        for layer in (fc6, fc7):
            features = layer(features)
        assert features.shape == (2, 7, 3, 2)  # 4 x 3 less one row and column below the kernel
        features = model.head[8:](features)
    for stage, where in zip(reversed(model.decoder.stages), reversed(places), strict=True):
        features = block(stage, F.max_unpool2d(features, where, 2))
    torch.testing.assert_close(model(images).logits, model.score(features))


def test_channels_and_layers_are_those_of_the_papers() -> None:
    vgg16 = {"widths": [64, 128, 256, 512, 512], "depths": [2, 2, 3, 3, 3]}
    with torch.device("meta"):
        deconvnet = build("deconvnet", **vgg16, head_channels=4096, head_kernel=7)
        segnet = build("segnet", **vgg16)
        assert deconvnet(torch.empty(2, 3, 224, 224).double()).logits.shape[2:] == (224, 224)
        pooled = deconvnet.eval().encoder(torch.empty(1, 3, 224, 224).double())
        assert deconvnet.head[:8](pooled[-1].values).shape == (1, 4096, 1, 1)
    mirrored = [512, 512, 512, 512, 512, 256, 256, 256, 128, 128, 64, 64, 64]
    for model, last in ((deconvnet, mirrored), (segnet, mirrored[:-1])):
        layers = [m for stage in reversed(model.decoder.stages) for m in stage]
        channels = [layer.out_channels for layer in layers if isinstance(layer, nn.Conv2d)]
        assert channels == last


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_encoder_starts_as_a_vgg(tmp_path: Path, batch_norm: bool, suffix: str) -> None:
    torch.manual_seed(0)
    vgg = make_layers([3, "M", 5, 5, "M", 6, "M"], batch_norm=batch_norm).eval()
    for name, tensor in vgg.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + (0.5 if "var" in name else -0.3))
    state = {f"features.{name}": tensor for name, tensor in vgg.state_dict().items()}
    state["pre_logits.fc1.weight"] = torch.zeros(2, 2)  # a classifier is no obstacle
    path = tmp_path / f"vgg.{suffix}"
    save_file(state, path) if suffix == "safetensors" else torch.save(state, path)
    encoder = SwitchedEncoder(widths=[3, 5, 6], depths=[1, 2, 1])
    encoder.load_vgg(path)

    images = torch.rand(2, 3, 16, 16)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    expected = vgg((images - mean) / std)
    torch.testing.assert_close(encoder.eval()(images)[-1].values, expected, rtol=1e-4, atol=1e-5)
    assert expected.abs().max() > 0.1


def test_other_weights_are_refused(tmp_path: Path) -> None:
    other = make_layers([3, "M", 5, "M", 6, "M"], batch_norm=True)
    save_file(
        {f"features.{n}": t for n, t in other.state_dict().items()}, tmp_path / "o.safetensors"
    )
    with pytest.raises(
        WeightsError, match=r"its convolutions are \[\[3, 3, 3, 3\], \[5, 3, 3, 3\]"
    ):
        build("segnet", weights=str(tmp_path / "o.safetensors"))
    save_file({"fc.weight": torch.zeros(1)}, tmp_path / "none.safetensors")
    with pytest.raises(WeightsError, match="its convolutions are none"):
        build("deconvnet", weights=str(tmp_path / "none.safetensors"))
    with pytest.raises(WeightsError, match=r"no weights file .*: set model\.weights"):
        build("deconvnet", weights=str(tmp_path / "absent.pth"))


@pytest.mark.parametrize("name", ["deconvnet", "segnet"])
def test_stages_without_meaning_are_refused(name: str) -> None:
    for widths, depths in (([], []), ([3, 4], [1]), ([3, 4], [0, 1])):
        with pytest.raises(ValueError, match="name as many stages"):
            build(name, widths=widths, depths=depths)
