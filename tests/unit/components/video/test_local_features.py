"""C3D read at each frame, against C3D itself."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from seqlab.components.backbones.weights import WeightsError
from seqlab.components.video.local_features import DenseC3D, NoLocalFeatures
from seqlab.components.video.stages import centred
from seqlab.models.video.c3d import C3D

SIZES: dict[str, Any] = {"widths": (2, 3, 4), "depths": (1, 1, 2), "temporal_depth": 3}


def c3d() -> C3D:
    torch.manual_seed(0)
    model = C3D(
        num_classes=2,
        num_frames=8,
        height=12,
        width=10,
        widths=(2, 3, 4, 4, 4),
        depths=(1, 1, 2, 1, 1),
        temporal_depth=3,
        fc_size=3,
        dropout=0.0,
        batch_norm=True,
        checkpointing=False,
    )
    for module in model.modules():
        if isinstance(module, nn.BatchNorm3d):
            nn.init.normal_(module.running_mean, std=0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.bias)
    return model.eval()


def read_densely(model: C3D, folder: Path) -> DenseC3D:
    """The first stages of C3D, by way of the checkpoint of a run."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    torch.save({"state_dict": tensors}, folder / "best.ckpt")
    return DenseC3D(**SIZES, batch_norm=True, weights=str(folder / "best.ckpt")).eval()


def test_every_fourth_frame_is_what_c3d_gives(tmp_path: Path) -> None:
    """Two pools have halved time behind the third stage, the first pool has not."""
    model = c3d()
    dense = read_densely(model, tmp_path)
    frames = torch.rand(2, 8, 3, 12, 10)
    maps = centred(frames.transpose(1, 2))
    for name, layer in model.trunk().items():
        maps = layer(maps)
        if name == "pool3":
            break
    found = dense(frames, torch.tensor([8, 8]))
    assert found.shape == (2, 8, dense.channels)
    torch.testing.assert_close(found[:, ::4], maps.amax(dim=(3, 4)).transpose(1, 2))


def test_the_frames_between_are_what_a_later_start_gives(tmp_path: Path) -> None:
    dense = read_densely(c3d(), tmp_path)
    frames = torch.rand(1, 24, 3, 12, 10)
    whole = dense(frames, torch.tensor([24]))
    later = dense(frames[:, 1:], torch.tensor([23]))
    torch.testing.assert_close(later[:, 8:15], whole[:, 9:16])  # far from both ends
    assert not torch.allclose(later[:, 0], whole[:, 1])


def test_what_comes_after_a_video_changes_nothing(tmp_path: Path) -> None:
    dense = read_densely(c3d(), tmp_path)
    frames = torch.rand(2, 6, 3, 12, 10)
    alone = dense(frames[:1, :4], torch.tensor([4]))
    found = dense(frames, torch.tensor([4, 6]))
    torch.testing.assert_close(found[:1, :4], alone)
    assert (found[0, 4:] == 0).all()


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    read_densely(c3d(), tmp_path)
    with pytest.raises(WeightsError, match=r"shape: conv1a\.convolution\.weight"):
        DenseC3D(
            **{**SIZES, "widths": (3, 3, 4)}, batch_norm=True, weights=str(tmp_path / "best.ckpt")
        )
    with pytest.raises(ValueError, match="name the same stages"):
        DenseC3D(**{**SIZES, "widths": (3, 3)}, batch_norm=True, weights=None)


def test_no_local_features_add_nothing() -> None:
    found = NoLocalFeatures()(torch.rand(2, 4, 3, 8, 8), torch.tensor([4, 2]))
    assert found.shape == (2, 4, 0)
