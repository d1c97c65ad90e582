"""First weights that fit the data; Krähenbühl et al. (2016).

New layers get outputs of mean 0 and variance 1 (section 3.1), and all layers, new or given, learn
at one rate (section 3.2), so that nothing vanishes or explodes behind weights of another scale.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

_AFFINE = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_NORMALISING = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.LocalResponseNorm)
_LEAST_DEVIATION = 1e-8
_TOLERANCE = 1e-3  # of the largest output, by which rescaling may move any

Runs = Sequence[Callable[[], Any]]  # each runs the network on one batch


class Rescaled(NamedTuple):
    """What was done, by the names of layers."""

    normalised: tuple[str, ...]  # have outputs of mean 0 and variance 1
    equalised: tuple[str, ...]  # learn at one rate
    left_alone: tuple[str, ...]  # up to the last that is normalised anyway or not trained


def rescale(model: nn.Module, runs: Runs, *, given: Collection[str], seed: int) -> Rescaled:
    """Normalise the new layers behind the last normalisation, and make all there learn at one rate.

    What lies up to the last batch normalisation, or up to the last layer that is not trained, is
    left alone: its scale says nothing, or is not to change. So is a layer that starts at 0.

    Args:
        model: the network, in evaluation.
        runs: each runs it on one batch.
        given: names of parameters that have learned already, of layers that are not normalised.
        seed: of the random loss of which the rates are.

    Raises:
        ValueError: a layer runs more than once for an input, there is nothing to rescale, or what
            the layers say would change, as where something between them is not homogeneous.
    """
    chain, before = _chain(model, runs[0])
    layers = {name: model.get_submodule(name) for name in chain}
    normalised = []
    for name, layer in layers.items():
        if f"{name}.weight" not in given and _normalise(layer, runs):
            normalised.append(name)
    layers = {name: layer for name, layer in layers.items() if bool(layer.weight.any())}
    if not layers:
        raise ValueError(
            "no layer is left to rescale: all are batch-normalised, not trained, or start at 0"
        )
    if len(layers) > 1:
        _equalise(list(layers.values()), runs, seed)
    equalised = tuple(layers) if len(layers) > 1 else ()
    return Rescaled(tuple(normalised), equalised, before)


def rates(layers: Sequence[Any], runs: Runs, seed: int) -> Tensor:
    """How fast the weights of each layer change relative to their size, C_k, [K].

    The root of the mean square of the gradient over that of the weights. The loss is a sum of what
    the last layer says with random weights of variance 1, since nothing was learned that another
    loss could be measured by.

    Args:
        layers: linear or convolutional, in the order in which they run.
        runs: each runs the network on one batch.
        seed: of the random weights.
    """
    chance = torch.Generator().manual_seed(seed)
    weights = [layer.weight for layer in layers]
    squares = torch.zeros(len(layers), dtype=torch.float64)  # [K]
    for run in runs:
        (said,) = _outputs(layers[-1:], run)
        loss = (said * torch.randn(said.shape, generator=chance).to(said)).sum()
        gradients = torch.autograd.grad(loss, weights)
        squares += torch.stack([g.double().square().mean().cpu() for g in gradients])
    sizes = torch.stack([w.detach().double().square().mean().cpu() for w in weights])  # [K]
    return (squares / len(runs) / sizes).sqrt()


def _chain(model: nn.Module, run: Callable[[], Any]) -> tuple[list[str], tuple[str, ...]]:
    """Names of the layers behind the last normalisation in their order, and those before it."""
    events: list[tuple[str, bool]] = []  # name, and whether what comes before is to be left alone
    watched = []
    for name, module in model.named_modules():
        is_affine = isinstance(module, _AFFINE)
        if is_affine or isinstance(module, _NORMALISING):
            closes = not is_affine or not module.weight.requires_grad

            def note(*_: Any, event: tuple[str, bool] = (name, closes), **__: Any) -> None:
                events.append(event)

            watched.append(module.register_forward_hook(note))
    try:
        with torch.no_grad():
            run()
    finally:
        for handle in watched:
            handle.remove()
    names = [name for name, _ in events]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ValueError(f"{twice[0]} runs {names.count(twice[0])} times for an input, not once")
    last = max((at for at, (_, closes) in enumerate(events) if closes), default=-1)
    affine = {name for name, module in model.named_modules() if isinstance(module, _AFFINE)}
    return names[last + 1 :], tuple(name for name in names[: last + 1] if name in affine)


def _outputs(layers: Sequence[nn.Module], run: Callable[[], Any]) -> list[Tensor]:
    """What layers give in one run, before anything changes it in place."""
    given: list[Tensor] = []
    hooks = [
        layer.register_forward_hook(lambda _module, _inputs, output: given.append(output.clone()))
        for layer in layers
    ]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    return given


@torch.no_grad()
def _normalise(layer: Any, runs: Runs) -> bool:
    """Give each channel of a layer mean 0 and variance 1; False where it says the same always."""
    channel = -1 if isinstance(layer, nn.Linear) else 1
    said = []
    for run in runs:
        (output,) = _outputs([layer], run)
        said.append(output.double().movedim(channel, -1).flatten(0, -2))  # [n, C]
    mean, deviation = torch.cat(said).mean(dim=0), torch.cat(said).std(dim=0, correction=0)  # [C]
    varies = deviation > _LEAST_DEVIATION  # [C]
    if not varies.any():
        return False
    deviation, mean = torch.where(varies, deviation, 1.0), torch.where(varies, mean, 0.0)
    shape = (-1, *[1] * (layer.weight.dim() - 1))
    layer.weight.div_(deviation.to(layer.weight).view(shape))
    if layer.bias is not None:
        layer.bias.copy_((layer.bias - mean.to(layer.bias)) / deviation.to(layer.bias))
    return True


def _equalise(layers: Sequence[Any], runs: Runs, seed: int) -> None:
    """Make layers learn at their common rate without another output of the last of them.

    A layer whose weights grow by s learns 1 / s^2 as fast where the others make up for it, so that
    s_k = sqrt(C_k / C), with the geometric mean C of all C_k, is exact; the product of all s_k
    is 1. A bias grows as what it is added to.
    """
    found = rates(layers, runs, seed)  # [K]
    if not bool((found > 0).all() and found.isfinite().all()):
        raise ValueError("nothing that the last layer says depends on some layer before it")
    with torch.no_grad():
        (before,) = _outputs(layers[-1:], runs[0])
        logs = found.log()  # [K]
        scales = ((logs - logs.mean()) / 2).exp()  # [K]
        _scale(layers, scales)
        (after,) = _outputs(layers[-1:], runs[0])
        moved = (after - before).abs().max()
        if float(moved) > _TOLERANCE * float(before.abs().max()):
            _scale(layers, 1 / scales)
            raise ValueError(
                "what the network says would change: its layers do not follow each other with "
                "nothing but ReLU, pooling and the like between them"
            )


def _scale(layers: Sequence[Any], scales: Tensor) -> None:
    """Multiply the weights [K] of layers, and their biases by what has grown up to them."""
    for layer, scale, grown in zip(layers, scales, scales.cumprod(0), strict=True):
        layer.weight.mul_(float(scale))
        if layer.bias is not None:
            layer.bias.mul_(float(grown))
