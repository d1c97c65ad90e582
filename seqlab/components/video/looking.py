"""What in a clip excites a unit or a class: deconvolution and gradients."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm


def activations(layers: Mapping[str, nn.Module], clips: Tensor, name: str) -> Tensor:
    """What a layer gives, [B, D, T', h, w], of clips [B, C, T, height, width].

    Args:
        layers: by name, in the order in which they run.
        clips: as the first layer reads them.
        name: of the layer.

    Raises:
        KeyError: there is no such layer.
    """
    if name not in layers:
        raise KeyError(f"{name} is none of {', '.join(layers)}")
    for each, layer in layers.items():
        clips = layer(clips)
        if each == name:
            break
    return clips


def project_back(layers: Mapping[str, nn.Module], clips: Tensor, name: str, channel: int) -> Tensor:
    """What of the pixels made a unit answer as it did most; Zeiler and Fergus (2014), section 2.1.

    Of all activations of the layer the largest of the channel is kept, of each clip. Then every
    layer is undone: maxima are put back where they were, signals rectified, and filtered by the
    transposed kernels.

    Args:
        layers: convolutions, batch normalisation in evaluation, ReLUs, max pools, or sequences of
            them; by name, in the order in which they run.
        clips: as the first layer reads them, [B, C, T, height, width].
        name: of the layer whose unit it is.
        channel: of the unit.

    Returns:
        [B, C, T, height, width].

    Raises:
        KeyError: there is no such layer.
        TypeError: a layer is of another kind.
    """
    if name not in layers:
        raise KeyError(f"{name} is none of {', '.join(layers)}")
    undoing: list[Callable[[Tensor], Tensor]] = []
    for each, layer in layers.items():
        for simple in _simple_layers(layer):
            clips, undo = _run(simple, clips)  # [B, D, T', h, w]
            undoing.append(undo)
        if each == name:
            break
    kept = torch.zeros_like(clips)  # [B, D, T', h, w]
    flat = clips[:, channel].flatten(1)  # [B, T' h w]
    peaks = flat.argmax(dim=1, keepdim=True)  # [B, 1]
    kept[:, channel] = (
        torch.zeros_like(flat).scatter(1, peaks, flat.gather(1, peaks)).view_as(clips[:, channel])
    )
    for undo in reversed(undoing):
        kept = undo(kept)
    return kept  # [B, C, T, height, width]


def saliency(model: nn.Module, clips: Tensor, classes: Tensor) -> Tensor:
    """How much each pixel moves the score of a class, [B, T, height, width].

    The largest slope of the three colours; Simonyan et al. (2014), section 3, over time too.

    Args:
        model: gives scores [B, C] of clips.
        clips: [B, 3, T, height, width].
        classes: whose score it is, [B].
    """
    with torch.inference_mode(False), torch.enable_grad():
        pixels = clips.detach().clone().requires_grad_()
        chosen = model(pixels).gather(1, classes.clone().unsqueeze(1)).sum()  # []
        (slopes,) = torch.autograd.grad(chosen, pixels)  # [B, 3, T, height, width]
    return slopes.abs().amax(dim=1)  # [B, T, height, width]


def _simple_layers(layer: nn.Module) -> list[nn.Module]:
    if isinstance(layer, nn.Sequential):
        return [simple for each in layer for simple in _simple_layers(each)]
    return [layer]


def _run(layer: nn.Module, clips: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """What a layer gives, and what undoes it."""
    if isinstance(layer, nn.Conv3d):
        size = clips.shape[2:]

        def filter_back(signal: Tensor) -> Tensor:
            short = [
                size[axis]
                - (signal.shape[2 + axis] - 1) * layer.stride[axis]
                + 2 * int(layer.padding[axis])
                - layer.kernel_size[axis]
                for axis in range(3)
            ]  # places at the end that the kernels do not reach
            return F.conv_transpose3d(
                signal, layer.weight, None, layer.stride, layer.padding, tuple(short)
            )

        return layer(clips), filter_back
    if isinstance(layer, nn.MaxPool3d):
        window, stride, size = layer.kernel_size, layer.stride, list(clips.shape[2:])
        pooled, switches = F.max_pool3d(
            clips, window, stride, ceil_mode=layer.ceil_mode, return_indices=True
        )
        return pooled, lambda signal: F.max_unpool3d(
            signal, switches, window, stride, output_size=size
        )
    if isinstance(layer, nn.ReLU):
        return F.relu(clips), F.relu
    if isinstance(layer, _BatchNorm) and layer.running_var is not None:
        scale = layer.weight / (layer.running_var + layer.eps).sqrt()  # [D]
        return layer(clips), lambda signal: signal * scale.view(-1, 1, 1, 1)
    raise TypeError(f"{type(layer).__name__} cannot be undone: only convolutions, pools and ReLUs")
