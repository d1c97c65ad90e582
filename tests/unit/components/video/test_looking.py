"""Deconvolution and saliency against gradients, where both are the same."""

from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn

from seqlab.components.video.looking import activations, project_back, saliency
from seqlab.components.video.stages import max_pool, rectified_convolution


def gradient_times_peak(
    layers: dict[str, nn.Module], clips: Tensor, name: str, unit: int
) -> Tensor:
    """The largest activation of a unit, times its gradient by the pixels."""
    pixels = clips.clone().requires_grad_()
    peaks = activations(layers, pixels, name)[:, unit].flatten(1).amax(dim=1)
    (slopes,) = torch.autograd.grad(peaks.sum(), pixels)
    return slopes * peaks.detach().view(-1, 1, 1, 1, 1)


def test_a_linear_layer_is_transposed() -> None:
    torch.manual_seed(0)
    layers = {"only": nn.Conv3d(3, 4, (3, 2, 3), stride=(1, 2, 2), padding=(1, 0, 1))}
    layers["only"].bias.data.zero_()
    clips = torch.randn(2, 3, 5, 7, 6)
    found = project_back(layers, clips, "only", 2)
    torch.testing.assert_close(found, gradient_times_peak(layers, clips, "only", 2))


def test_layers_that_rectify_nothing_are_transposed_too() -> None:
    """Where all numbers are positive, no ReLU does anything, and only maxima choose."""
    torch.manual_seed(0)
    layers = OrderedDict(
        conv1=rectified_convolution(3, 4, (3, 3, 3), batch_norm=True),
        pool1=max_pool((1, 2, 2)),
        conv2=rectified_convolution(4, 5, (3, 3, 3), batch_norm=False),
        pool2=max_pool((2, 2, 2)),
    )
    for layer in layers.values():
        layer.eval()
        for parameter in layer.parameters():
            parameter.data.abs_()
    layers["conv1"].norm.running_var.fill_(2.5)
    clips = torch.rand(2, 3, 5, 7, 6)
    for name in ("conv1", "pool1", "conv2", "pool2"):
        found = project_back(layers, clips, name, 1)
        expected = gradient_times_peak(layers, clips, name, 1)
        torch.testing.assert_close(found, expected)


def test_signals_are_rectified_on_their_way_back() -> None:
    first, second = nn.Conv3d(1, 2, 1, bias=False), nn.Conv3d(2, 1, 1, bias=False)
    first.weight.data = torch.tensor([1.0, 1.0]).view(2, 1, 1, 1, 1)
    second.weight.data = torch.tensor([2.0, -1.0]).view(1, 2, 1, 1, 1)
    layers = OrderedDict(a=nn.Sequential(first, nn.ReLU()), b=nn.Sequential(second, nn.ReLU()))
    found = project_back(layers, torch.full((1, 1, 1, 1, 1), 3.0), "b", 0)
    assert found.item() == 6.0  # 3 (2 - 1) goes back by 2 and not by -1


def test_what_cannot_be_projected() -> None:
    clips = torch.zeros(1, 3, 2, 4, 4)
    with pytest.raises(KeyError, match="conv9 is none of conv1"):
        project_back({"conv1": nn.ReLU()}, clips, "conv9", 0)
    with pytest.raises(TypeError, match="Tanh cannot be undone"):
        project_back({"conv1": nn.Tanh()}, clips, "conv1", 0)


def test_saliency_is_the_largest_slope_of_the_colours() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 2 * 2 * 2, 4))
    with torch.inference_mode():
        found = saliency(model, torch.rand(2, 3, 2, 2, 2), torch.tensor([3, 1]))
    for row, label in enumerate((3, 1)):
        weights = model[1].weight[label].detach().view(3, 2, 2, 2)
        torch.testing.assert_close(found[row], weights.abs().amax(dim=0))
