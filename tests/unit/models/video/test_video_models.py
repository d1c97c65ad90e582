"""Networks over clips: numbers of parameters, what they see of time, and what of order."""

from typing import Any

import pytest
import torch
from torch import nn

from seqlab.components.backbones.small_conv import SmallConv
from seqlab.components.recurrent.lstm import LSTMCell
from seqlab.models.video.c3d import C3D
from seqlab.models.video.frame_cnn import FrameCNN
from seqlab.models.video.frame_fusion import FrameFusion
from seqlab.models.video.lrcn import LRCN

SIZES = {"num_classes": 3, "num_frames": 16, "height": 16, "width": 16}
SMALL: dict[str, Any] = {
    "widths": [2, 3, 4, 4, 4],
    "depths": [1, 1, 2, 2, 2],
    "temporal_depth": 3,
    "fc_size": 5,
    "dropout": 0.0,
    "batch_norm": False,
    "checkpointing": False,
}
FUSED: dict[str, Any] = {
    "widths": [4, 4, 5, 5, 6],
    "kernels": [5, 3, 3, 3, 3],
    "first_stride": 1,
    "normalisation": "local",
    "fc_size": 7,
    "dropout": 0.0,
    "checkpointing": False,
}
SLOW: dict[str, Any] = {
    "only_ends": False,
    "frames": [4, 2, 2, 1, 1],
    "frame_strides": [2, 2, 2, 1, 1],
}
LATE: dict[str, Any] = {"only_ends": True, "frames": [1] * 5, "frame_strides": [1] * 5}


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_c3d_has_the_parameters_of_the_published_network() -> None:
    """78,409,573 for the 101 classes of UCF101, 33,558,528 of them in fc6, which reads 8,192."""
    with torch.device("meta"):
        model = C3D(
            num_classes=101,
            num_frames=16,
            height=112,
            width=112,
            **{**SMALL, "widths": [64, 128, 256, 512, 512], "fc_size": 4096},
        )
    assert count(model) == 78_409_573
    assert count(model.fc6) == 33_558_528
    assert model.get_submodule("conv5b.convolution").weight.shape == (512, 512, 3, 3, 3)


def test_the_network_of_the_search_has_17_5_million_parameters() -> None:
    """As section 3.2 of the paper says."""
    settings = {**SMALL, "widths": [64, 128, 256, 256, 256], "depths": [1] * 5, "fc_size": 2048}
    with torch.device("meta"):
        model = C3D(num_classes=101, num_frames=16, height=112, width=112, **settings)
    assert count(model) == pytest.approx(17.5e6, rel=0.005)


@pytest.mark.parametrize(
    ("temporal_depth", "frames"),
    [
        (1, [1, 1, 1, 1, 1]),
        (7, [7, 7, 7, 7, 7]),
        ("increasing", [3, 3, 5, 5, 7]),
        ("decreasing", [7, 5, 5, 3, 3]),
    ],
)
def test_kernels_of_each_depth(temporal_depth: Any, frames: list[int]) -> None:
    settings = {**SMALL, "depths": [1] * 5, "temporal_depth": temporal_depth}
    model = C3D(**SIZES, **settings)
    kernels = [module.kernel_size for module in model.modules() if isinstance(module, nn.Conv3d)]
    assert kernels == [(each, 3, 3) for each in frames]
    # A unit of conv2a, before time is pooled, sees so many frames.
    clips = torch.rand(1, 3, 16, 16, 16, requires_grad=True)
    seen = clips
    for layer in ("conv1a", "pool1", "conv2a"):
        seen = model.get_submodule(layer).get_submodule("convolution" if "conv" in layer else "")(
            seen
        )
    seen[0, :, 8, 2, 2].sum().backward()
    reached = clips.grad.abs().sum(dim=(0, 1, 3, 4)).nonzero().flatten()
    assert len(reached) == frames[0] + frames[1] - 1


def test_depth_1_sees_motion_only_where_frames_are_pooled() -> None:
    """Frames that are pooled together may be exchanged."""
    torch.manual_seed(0)
    model = C3D(**SIZES, **{**SMALL, "temporal_depth": 1})
    clips = torch.rand(2, 3, 16, 16, 16)
    swapped = clips[:, :, [1, 0, *range(2, 16)]]
    torch.testing.assert_close(model(swapped), model(clips))
    deep = C3D(**SIZES, **SMALL)
    assert not torch.allclose(deep(swapped), deep(clips))


def test_checkpointing_gives_the_same_gradients() -> None:
    clips, found = torch.rand(2, 3, 16, 16, 16), []
    for checkpointing in (False, True):
        torch.manual_seed(0)
        settings = {"batch_norm": True, "dropout": 0.5, "checkpointing": checkpointing}
        model = C3D(**SIZES, **{**SMALL, **settings})
        model(clips).square().sum().backward()
        found.append([parameter.grad for parameter in model.parameters()])
    for plain, lean in zip(*found, strict=True):
        torch.testing.assert_close(plain, lean, rtol=0, atol=0)


def test_slow_fusion_has_seen_ten_frames_in_its_third_layer() -> None:
    torch.manual_seed(0)
    model = FrameFusion(**SIZES, **{**FUSED, **SLOW, "normalisation": "batch"}).eval()
    clips = torch.rand(1, 3, 16, 16, 16, requires_grad=True)
    seen = clips
    for name in ("conv1", "conv2", "conv3"):
        seen = model.get_submodule(f"{name}.convolution")(seen)
    assert seen.shape[2] == 1  # of the 16 frames; the last 6 reach no further
    seen.sum().backward()
    reached = clips.grad.abs().sum(dim=(0, 1, 3, 4)).nonzero().flatten()
    assert reached.tolist() == list(range(10))


def test_slow_fusion_of_the_paper_in_numbers() -> None:
    """Kernels, biases and units counted by hand, at 10 frames of 170 x 170 pixels."""
    with torch.device("meta"):
        model = FrameFusion(
            **SLOW,
            num_classes=487,
            num_frames=10,
            height=170,
            width=170,
            widths=[96, 256, 384, 384, 256],
            kernels=[11, 5, 3, 3, 3],
            first_stride=3,
            normalisation="local",
            fc_size=4096,
            dropout=0.5,
            checkpointing=False,
        )
    convolutions = (
        (3 * 4 * 121 + 1) * 96
        + (96 * 2 * 25 + 1) * 256
        + (256 * 2 * 9 + 1) * 384
        + (384 * 9 + 1) * 384
        + (384 * 9 + 1) * 256
    )
    side = 8  # 170 / 3 is 57, halved three times and rounded up 8
    units = (256 * side**2 + 1) * 4096 + 4097 * 4096 + 4097 * 487
    assert count(model) == convolutions + units


def test_late_fusion_reads_the_ends_alone() -> None:
    torch.manual_seed(0)
    model = FrameFusion(**SIZES, **FUSED, **LATE)
    clips = torch.rand(2, 3, 16, 16, 16, requires_grad=True)
    model(clips).sum().backward()
    reached = clips.grad.abs().sum(dim=(0, 1, 3, 4)).nonzero().flatten()
    assert reached.tolist() == [0, 15]
    assert not torch.allclose(model(clips.flip(2)), model(clips))


def test_frame_cnn_knows_no_order() -> None:
    torch.manual_seed(0)
    backbone = SmallConv(channels=8, pretrained=False)
    model = FrameCNN(num_classes=3, backbone=backbone, dropout=0.0).eval()
    clips = torch.rand(2, 3, 4, 16, 16)
    vectors = [backbone.summary(backbone(clips[:, :, t])) for t in range(4)]
    expected = torch.stack([model.scores(each).softmax(dim=1) for each in vectors]).mean(dim=0)
    torch.testing.assert_close(model(clips).softmax(dim=1), expected)
    torch.testing.assert_close(model(clips.flip(2)), model(clips))


def test_lrcn_against_a_loop_over_frames() -> None:
    torch.manual_seed(0)
    backbone = SmallConv(channels=8, pretrained=False)
    model = LRCN(
        num_classes=3,
        backbone=backbone,
        recurrent=lambda **sizes: LSTMCell(**sizes, forget_bias=1.0),
        hidden_dim=6,
        dropout=0.0,
    ).eval()
    clips = torch.rand(2, 3, 4, 16, 16)
    state, said = model.cell.init_state(2), []
    for t in range(4):
        vector = backbone.summary(backbone(clips[:, :, t]))
        output, state = model.cell(vector, state)
        said.append(model.scores(output).softmax(dim=1))
    expected = torch.stack(said).mean(dim=0)
    torch.testing.assert_close(model(clips).softmax(dim=1), expected)
    assert not torch.allclose(model(clips.flip(2)), model(clips))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: C3D(**SIZES, **{**SMALL, "widths": [2, 3]}), "name five stages"),
        (lambda: C3D(**SIZES, **{**SMALL, "temporal_depth": "rising"}), "increasing, decreasing"),
        (lambda: C3D(**SIZES, **{**SMALL, "temporal_depth": 2}), "odd in time"),
        (lambda: FrameFusion(**{**SIZES, "num_frames": 9}, **FUSED, **SLOW), "clips of 9 frames"),
        (
            lambda: FrameFusion(**SIZES, **{**FUSED, **SLOW, "kernels": [4, 3, 3, 3, 3]}),
            "kernels are odd",
        ),
        (
            lambda: FrameFusion(**{**SIZES, "num_frames": 1}, **FUSED, **LATE),
            "first and the last of 1",
        ),
    ],
)
def test_wrong_settings(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
