"""What the weights of a timm backbone may be, and what real ones recognise."""

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor
from torchvision.transforms import v2

from seqlab.components.backbones.weights import WeightsError
from tests.unit.components.backbones.timm_parts import build

DATA = Path(os.environ.get("SEQLAB_DATA", "data"))
REAL_WEIGHTS = DATA / "weights" / "mobilenetv2_100.safetensors"


@pytest.fixture
def state_dict() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return dict(timm.create_model("test_resnet").state_dict())


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_weights_are_read_from_a_file(
    tmp_path: Path, state_dict: dict[str, Tensor], suffix: str
) -> None:
    path = tmp_path / f"weights.{suffix}"
    if suffix == "pth":
        torch.save({"state_dict": state_dict}, path)
    else:
        save_file(state_dict, path)
    backbone = build(weights=str(path), out_index=2)
    for name, tensor in backbone.model.state_dict().items():
        assert torch.equal(tensor, state_dict[name]), name
    assert not any(name.startswith(("fc", "layer3")) for name in backbone.model.state_dict())


def test_a_classifier_of_other_classes_is_no_obstacle(
    tmp_path: Path, state_dict: dict[str, Tensor]
) -> None:
    state_dict["fc.weight"], state_dict["fc.bias"] = torch.zeros(7, 96), torch.zeros(7)
    save_file(state_dict, tmp_path / "other.safetensors")
    build(weights=str(tmp_path / "other.safetensors"))
    del state_dict["fc.weight"], state_dict["fc.bias"], state_dict["bn1.num_batches_tracked"]
    save_file(state_dict, tmp_path / "trunk.safetensors")
    build(weights=str(tmp_path / "trunk.safetensors"))


def test_wrong_weights_are_refused_by_name(tmp_path: Path, state_dict: dict[str, Tensor]) -> None:
    path = tmp_path / "wrong.safetensors"
    state_dict["surplus.weight"] = state_dict.pop("conv1.0.weight")
    state_dict["bn1.bias"] = torch.zeros(3)
    save_file(state_dict, path)
    with pytest.raises(WeightsError) as caught:
        build(weights=str(path))
    text = str(caught.value)
    assert "missing: conv1.0.weight" in text
    assert "unknown: surplus.weight" in text
    assert "shape: bn1.bias [3] instead of" in text
    with pytest.raises(WeightsError, match=r"and [0-9]+ more"):
        build(name="test_convnext", weights=str(path))


@pytest.mark.parametrize("name", ["broken.safetensors", "broken.pth"])
def test_a_broken_file_is_refused(tmp_path: Path, state_dict: dict[str, Tensor], name: str) -> None:
    path = tmp_path / name
    if path.suffix == ".pth":
        torch.save(state_dict, path)
    else:
        save_file(state_dict, path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="is no readable weights file"):
        build(weights=str(path))


class Malicious:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("never",)


def test_a_file_from_a_stranger_runs_no_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("code.pth").write_bytes(pickle.dumps({"state_dict": Malicious()}, protocol=2))
    torch.save({"state_dict": Malicious()}, "zipped.pth")
    for name in ("code.pth", "zipped.pth"):
        with pytest.raises(WeightsError, match="is no readable"):
            build(weights=name)
    assert not Path("never").exists()


def test_a_file_without_a_state_dict_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "run.pth")
    with pytest.raises(WeightsError, match="holds no state dict"):
        build(weights=str(tmp_path / "run.pth"))


def test_a_missing_file_is_told_with_both_ways() -> None:
    with pytest.raises(WeightsError) as caught:
        build(weights="/nowhere/vgg.pth")
    for part in ("/nowhere/vgg.pth", ".safetensors or .pth", "test_resnet", "hub"):
        assert part in str(caught.value)


def test_an_unreachable_hub_is_told_with_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any) -> None:
        raise OSError("no such host")

    monkeypatch.setattr("socket.getaddrinfo", unreachable)
    monkeypatch.setattr("seqlab.components.backbones.weights.getproxies", dict)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", "/nowhere")
    with pytest.raises(WeightsError) as caught:
        build(name="vgg16", weights="hub")
    for part in ("vgg16", "timm's hub", ".safetensors or .pth"):
        assert part in str(caught.value)


@pytest.mark.data
@pytest.mark.skipif(not REAL_WEIGHTS.is_file(), reason="needs the real data")
def test_real_weights_recognise_photos() -> None:
    backbone = build(
        name="mobilenetv2_100",
        weights=str(REAL_WEIGHTS),
        out_index=None,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        options={"pad_type": "same"},
    )
    state_dict = load_file(REAL_WEIGHTS)
    whole = timm.create_model("mobilenetv2_100", pad_type="same").eval()
    whole.load_state_dict(state_dict)
    photos = sorted((DATA / "imagenet_samples").glob("*.JPEG"))
    crop = v2.Compose(
        [
            v2.Resize(224, antialias=True),
            v2.CenterCrop(224),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
        ]
    )
    classes = torch.arange(0, len(photos), len(photos) // 30)  # names in order are the classes
    images = torch.stack([crop(Image.open(photos[i]).convert("RGB")) for i in classes])
    pooled = backbone(images).mean(dim=(2, 3))
    logits = pooled @ state_dict["classifier.weight"].T + state_dict["classifier.bias"]
    with torch.no_grad():
        torch.testing.assert_close(logits, whole(2 * images - 1), rtol=1e-3, atol=1e-3)
    right = float((logits.argmax(dim=1) == classes).float().mean())
    assert right >= 0.6  # chance has 0.001
