"""Stages of convolutions: sizes, checkpointing, and averages over frames."""

import numpy as np
import pytest
import torch
from torch import nn

from seqlab.components.backbones.small_conv import SmallConv
from seqlab.components.video.frames import averaged_scores, frame_vectors
from seqlab.components.video.stages import (
    max_pool,
    output_size,
    rectified_convolution,
    run_stages,
)


def stages() -> list[list[nn.Module]]:
    torch.manual_seed(0)
    return [
        [rectified_convolution(3, 4, (3, 3, 3), batch_norm=True), max_pool((1, 2, 2))],
        [rectified_convolution(4, 5, (1, 3, 3), batch_norm=True), max_pool((2, 2, 2))],
    ]


def test_checkpointing_changes_neither_gradients_nor_statistics() -> None:
    clips = torch.randn(2, 3, 4, 7, 6)
    found = []
    for checkpointing in (False, True):
        layers = stages()
        run_stages(layers, clips, checkpointing).square().sum().backward()
        module = nn.ModuleList([nn.ModuleList(stage) for stage in layers])
        gradients = [parameter.grad for parameter in module.parameters()]
        found.append((gradients, module.state_dict()))
    (plain, before), (lean, after) = found
    for one, other in zip(plain, lean, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    for name in before:
        torch.testing.assert_close(before[name], after[name], rtol=0, atol=0)
    assert before["0.0.norm.num_batches_tracked"] == 1


def test_output_size_is_what_comes_out() -> None:
    layers = [layer for stage in stages() for layer in stage]
    size = output_size(layers, (3, 5, 7, 6))
    assert size == list(run_stages([layers], torch.zeros(1, 3, 5, 7, 6), False).shape[1:])
    assert size == [5, 3, 2, 2]  # 5 frames, 7 and 6 pixels, each half rounded up


def test_clips_that_are_too_small() -> None:
    with pytest.raises(ValueError, match="clips of 3 frames of 8 x 8 pixels are too small"):
        output_size([nn.Conv3d(3, 4, (4, 1, 1))], (3, 3, 8, 8))


def test_even_kernels() -> None:
    with pytest.raises(ValueError, match="odd in time, height and width, not \\[2, 3, 3\\]"):
        rectified_convolution(3, 4, (2, 3, 3), batch_norm=False)


def test_averaged_scores_are_the_mean_of_probabilities() -> None:
    logits = torch.randn(2, 5, 3, dtype=torch.float64)
    odds = np.exp(logits.numpy())
    expected = (odds / odds.sum(axis=2, keepdims=True)).mean(axis=1)
    found = averaged_scores(logits).exp()
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_frame_vectors_keep_their_places() -> None:
    torch.manual_seed(0)
    backbone = SmallConv(channels=8, pretrained=False).eval()
    clips = torch.rand(2, 3, 4, 16, 16)
    found = frame_vectors(backbone, clips)
    for row in range(2):
        for frame in range(4):
            single = backbone(clips[row, :, frame].unsqueeze(0))
            torch.testing.assert_close(found[row, frame], backbone.summary(single)[0])
