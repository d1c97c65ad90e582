"""What networks over clips are made of: convolutions over space and time, pools and units."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

Size3d = tuple[int, int, int]  # time, height, width


def rectified_convolution(
    inputs: int, outputs: int, kernel_size: Size3d, *, batch_norm: bool, time_dilation: int = 1
) -> nn.Sequential:
    """A convolution over time and space that keeps the size of the clip, and a ReLU.

    The weights start as He et al. (2015) found it right before a ReLU.

    Args:
        inputs: channels that are read.
        outputs: channels that are given.
        kernel_size: frames, rows and columns of the kernel, all odd.
        batch_norm: whether batch normalisation stands between them.
        time_dilation: frames from one of the kernel to the next.

    Raises:
        ValueError: a kernel is even.
    """
    if any(size % 2 == 0 for size in kernel_size):
        raise ValueError(f"kernels are odd in time, height and width, not {list(kernel_size)}")
    dilation = (time_dilation, 1, 1)
    padding = tuple(step * (size // 2) for step, size in zip(dilation, kernel_size, strict=True))
    convolution = nn.Conv3d(
        inputs, outputs, kernel_size, padding=padding, dilation=dilation, bias=not batch_norm
    )
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    layers: OrderedDict[str, nn.Module] = OrderedDict(convolution=convolution)
    if batch_norm:
        layers["norm"] = nn.BatchNorm3d(outputs)
    elif convolution.bias is not None:
        nn.init.zeros_(convolution.bias)
    layers["relu"] = nn.ReLU(inplace=True)
    return nn.Sequential(layers)


def max_pool(kernel_size: Size3d) -> nn.MaxPool3d:
    """Maxima of windows that do not overlap; what is left at the border is pooled by itself.

    So do the published networks of C3D, whose fc6 therefore reads 4 x 4 places of 112 pixels.
    """
    return nn.MaxPool3d(kernel_size, stride=kernel_size, ceil_mode=True)


def rectified_linear(inputs: int, outputs: int) -> nn.Sequential:
    """A fully connected layer and a ReLU, whose weights start as those of the convolutions."""
    linear = nn.Linear(inputs, outputs)
    nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
    nn.init.zeros_(linear.bias)
    return nn.Sequential(OrderedDict(linear=linear, relu=nn.ReLU(inplace=True)))


def class_scores(inputs: int, num_classes: int) -> nn.Linear:
    """The last layer, which says little before it is trained."""
    linear = nn.Linear(inputs, num_classes)
    nn.init.normal_(linear.weight, std=0.01)
    nn.init.zeros_(linear.bias)
    return linear


def output_size(layers: Sequence[nn.Module], size: Sequence[int]) -> list[int]:
    """Size of what layers make of one input of a size, without a batch; nothing is computed.

    Args:
        layers: in the order in which they run.
        size: of an input, such as [3, frames, height, width].

    Raises:
        ValueError: the input is too small for them.
    """
    shadow = deepcopy(nn.Sequential(*layers)).to("meta").eval()
    try:
        return list(shadow(torch.empty(1, *size, device="meta")).shape[1:])
    except RuntimeError as error:
        frames, height, width = size[1:]
        raise ValueError(
            f"clips of {frames} frames of {height} x {width} pixels are too small for this "
            f"network: {error}"
        ) from error


def centred(clips: Tensor) -> Tensor:
    """Clips with values in [0, 1] as numbers around 0, of about one in size, channels last."""
    centred_clips = (clips - 0.5) / 0.25  # [B, 3, T, height, width]
    return centred_clips.contiguous(memory_format=torch.channels_last_3d)


def channels_last(module: nn.Module) -> None:
    """Lay out kernels over time and space with the channels last, in which they are faster."""
    for parameter in module.parameters():
        if parameter.dim() == 5:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)


def run_stages(stages: Sequence[Sequence[nn.Module]], clips: Tensor, checkpointing: bool) -> Tensor:
    """What stages of layers make of clips [B, C, T, height, width].

    Args:
        stages: each a sequence of layers.
        clips: what the first reads.
        checkpointing: whether training keeps only what each stage reads and computes the rest of it
            a second time on the way back (Chen et al., 2016): less memory, the same gradients.
    """
    for stage in stages:
        block = nn.Sequential(*stage)
        if checkpointing and torch.is_grad_enabled():
            clips = _checkpointed(block, clips)  # [B, C', T', height', width']
        else:
            clips = block(clips)  # [B, C', T', height', width']
    return clips


def _checkpointed(block: nn.Sequential, clips: Tensor) -> Tensor:
    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _statistics_kept(block)

    result: Tensor = checkpoint(block, clips, use_reentrant=False, context_fn=contexts)
    return result


@contextmanager
def _statistics_kept(block: nn.Module) -> Iterator[None]:
    """Batch normalisation takes no second note of a batch that is only computed again."""
    norms = [module for module in block.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    counts = [
        None if norm.num_batches_tracked is None else norm.num_batches_tracked.clone()
        for norm in norms
    ]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum, count in zip(norms, momenta, counts, strict=True):
            norm.momentum = momentum
            if count is not None and norm.num_batches_tracked is not None:
                norm.num_batches_tracked.copy_(count)
