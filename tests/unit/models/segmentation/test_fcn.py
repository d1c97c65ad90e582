"""FCN: its sum of skips against loops, what is silent at first, and training in stages."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from seqlab.components.backbones.weights import WeightsError
from seqlab.models.segmentation.fcn import FCN
from tests.unit.models.segmentation.parts import NUM_CLASSES, build


def bilinear(maps: np.ndarray, factor: int) -> np.ndarray:
    """Each pixel between the centres of the locations around it, on an image [C, h, w]."""
    _, height, width = maps.shape
    out = np.zeros((maps.shape[0], factor * height, factor * width))
    for y, x in np.ndindex(*out.shape[1:]):
        v = min(max((y + 0.5) / factor - 0.5, 0), height - 1)
        u = min(max((x + 0.5) / factor - 0.5, 0), width - 1)
        top, left = int(v), int(u)
        bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
        dv, du = v - top, u - left
        out[:, y, x] = (1 - dv) * ((1 - du) * maps[:, top, left] + du * maps[:, top, right])
        out[:, y, x] += dv * ((1 - du) * maps[:, bottom, left] + du * maps[:, bottom, right])
    return out


@pytest.mark.parametrize("name", ["fcn", "fcn_without_skips", "fcn_head"])
def test_scores_of_all_maps_are_added_up(name: str) -> None:
    model = build(name).eval()
    images = torch.rand(1, 3, 21, 30).double()
    with torch.no_grad():
        logits = model(images).logits[0].numpy()
        maps = list(model.backbone.pyramid(images)[-len(model.strides) :])
        if name == "fcn_head":
            first, _, _, second, _, _ = model.head
            maps[-1] = F.relu(F.conv2d(maps[-1], first.weight, first.bias, padding=1))
            maps[-1] = F.relu(F.conv2d(maps[-1], second.weight, second.bias))
    total = None
    for stride, features in zip(reversed(model.strides), reversed(maps), strict=True):
        score = model.scores[str(stride)]
        W, b = score.weight.detach().numpy()[:, :, 0, 0], score.bias.detach().numpy()
        own = np.einsum("cd,dhw->chw", W, features[0].numpy()) + b[:, None, None]
        below = 0 if total is None else bilinear(total, 2)[:, : own.shape[1], : own.shape[2]]
        total = own + below
    expected = bilinear(total, model.strides[0])[:, :21, :30]
    np.testing.assert_allclose(logits, expected, rtol=1e-8, atol=1e-10)


def test_before_training_it_says_nothing_and_learns_the_scores_first() -> None:
    model = build("fcn")
    fresh = FCN(
        num_classes=NUM_CLASSES, backbone=model.backbone, stride=2, head_channels=None,
        head_kernel=None, dropout=0.0, learned_upsampling="none", weights=None,
    ).double()  # fmt: skip
    logits = fresh(torch.rand(2, 3, 16, 16).double()).logits
    assert torch.equal(logits, torch.zeros_like(logits))
    F.cross_entropy(logits, torch.ones(2, 16, 16, dtype=torch.long)).backward()
    assert all(score.weight.grad.abs().max() > 0 for score in fresh.scores.values())


@pytest.mark.parametrize(
    ("learned", "expected"),
    [("none", set()), ("inner", {"8to4", "4to2"}), ("all", {"8to4", "4to2", "2to1"})],
)
def test_which_upsamplings_are_trained(learned: str, expected: set[str]) -> None:
    model = build("fcn", learned_upsampling=learned)
    trained = {name for name, layer in model.upsamplings.items() if list(layer.parameters())}
    assert trained == expected
    assert set(model.upsamplings) == {"8to4", "4to2", "2to1"}


def test_dropout_falls_in_training_alone() -> None:
    images = torch.rand(1, 3, 16, 16).double()
    for name in ("fcn_without_skips", "fcn_head"):
        model = build(name, dropout=0.5)
        assert not torch.equal(model(images).logits, model(images).logits)
        model.eval()
        assert torch.equal(model(images).logits, model(images).logits)


# ---------------------------------------------------------------- in stages


def checkpoint(model: torch.nn.Module, path: Path, **more: Any) -> str:
    """A file as a run writes it: the model's names begin with `model.`."""
    state = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    torch.save({"state_dict": {**state, **more}, "epoch": 3}, path)
    return str(path)


@pytest.mark.parametrize("learned", ["none", "inner", "all"])
def test_a_finer_network_starts_as_the_coarser_one(tmp_path: Path, learned: str) -> None:
    coarse = build("fcn_without_skips", learned_upsampling=learned)
    path = checkpoint(coarse, tmp_path / "32s.ckpt", class_weights=torch.ones(NUM_CLASSES))
    torch.manual_seed(7)
    backbone = build("fcn").backbone.float()
    for parameter in backbone.parameters():
        torch.nn.init.normal_(parameter)
    settings = {"head_channels": None, "head_kernel": None, "dropout": 0.0}
    finer = FCN(
        num_classes=NUM_CLASSES, backbone=backbone, stride=4, learned_upsampling=learned,
        weights=path, **settings,
    )  # fmt: skip
    for name, tensor in coarse.state_dict().items():
        if not name.startswith("upsamplings."):
            torch.testing.assert_close(finer.state_dict()[name], tensor, check_dtype=False)
    images = torch.rand(1, 3, 32, 32)
    finer.eval(), coarse.eval()
    scores = coarse.scores["8"](coarse.backbone.pyramid(images.double())[-1]).float()
    expected = F.interpolate(F.interpolate(scores, scale_factor=2, mode="bilinear"),
                             scale_factor=4, mode="bilinear")  # fmt: skip
    torch.testing.assert_close(finer(images).logits, expected, rtol=1e-4, atol=1e-4)

    # And from there on, with all its layers, one finer still.
    path = checkpoint(finer, tmp_path / "16s.ckpt")
    finest = FCN(
        num_classes=NUM_CLASSES, backbone=build("fcn").backbone.float(), stride=2,
        learned_upsampling=learned, weights=path, **settings,
    )  # fmt: skip
    for name, tensor in finer.state_dict().items():
        if name != "upsamplings.4to1.weight":
            assert torch.equal(finest.state_dict()[name], tensor)
    again = FCN(
        num_classes=NUM_CLASSES, backbone=build("fcn").backbone.float(), stride=4,
        learned_upsampling=learned, weights=path, **settings,
    )  # fmt: skip
    assert torch.equal(again.eval()(images).logits, finer(images).logits)


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    settings = {"name": "fcn", "stride": 4}
    with pytest.raises(WeightsError, match=r"no weights file .*absent\.ckpt: set model\.weights"):
        build(**settings, weights=str(tmp_path / "absent.ckpt"))
    finer = checkpoint(build("fcn"), tmp_path / "finer.ckpt")
    with pytest.raises(WeightsError, match=r"unknown: scores\.2\.weight, scores\.2\.bias"):
        build(**settings, weights=finer)
    head = checkpoint(build("fcn_head"), tmp_path / "head.ckpt")
    with pytest.raises(WeightsError, match=r"unknown: head\.0\.weight.*shape: scores\.8\.weight"):
        build(name="fcn", weights=head)
    learned = checkpoint(build("fcn_learned"), tmp_path / "learned.ckpt")
    with pytest.raises(WeightsError, match=r"unknown: upsamplings\.8to4\.weight"):
        build(name="fcn", weights=learned)
    torch.save(build("fcn").state_dict(), tmp_path / "bare.pth")
    with pytest.raises(WeightsError, match="no checkpoint of a run"):
        build(name="fcn", weights=str(tmp_path / "bare.pth"))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"stride": 32}, "one of the backbone's 2, 4, 8, not 32"),
        ({"head_channels": 7}, "together or not at all, not 7 and None"),
        ({"head_kernel": 7}, "together or not at all, not None and 7"),
        ({"head_channels": 7, "head_kernel": 4}, "head_kernel is odd, not 4"),
    ],
)
def test_settings_without_meaning_are_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        build("fcn", **changes)
