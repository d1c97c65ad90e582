"""Rescaled weights: moments and rates measured anew, and what the network says kept."""

from collections import OrderedDict
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from seqlab.components.rescaling import rates, rescale


def network(*, bias: bool = True) -> nn.Sequential:
    """Convolutions whose weights are of very different sizes."""
    torch.manual_seed(0)
    layers = OrderedDict(
        conv1=nn.Conv2d(3, 6, 3, padding=1, bias=bias),
        relu1=nn.ReLU(inplace=True),
        pool=nn.MaxPool2d(2),
        conv2=nn.Conv2d(6, 8, 3, bias=bias),
        relu2=nn.ReLU(inplace=True),
        flat=nn.Flatten(),
        scores=nn.Linear(8 * 4, 4, bias=bias),
    )
    found = nn.Sequential(layers).double().eval()
    for name, factor in (("conv1", 10.0), ("conv2", 0.05)):
        layer = found.get_submodule(name)
        layer.weight.data.mul_(factor)
        if layer.bias is not None:
            layer.bias.data.add_(0.3)
    return found


BATCHES = [torch.rand(16, 3, 8, 8, generator=torch.Generator().manual_seed(n)) for n in range(3)]


def runs(model: nn.Module) -> list[partial[Tensor]]:
    return [partial(model, batch.double()) for batch in BATCHES]


def measured(model: nn.Module, layer: str) -> Tensor:
    """What a layer gives for all batches, [n, channels]."""
    given = []
    hook = model.get_submodule(layer).register_forward_hook(
        lambda _m, _i, output: given.append(output.detach().clone())
    )
    for run in runs(model):
        run()
    hook.remove()
    return torch.cat([x.movedim(1, -1).reshape(-1, x.shape[1]) for x in given])


def test_new_layers_have_unit_variance_before_rates_are_equal() -> None:
    model = network()
    done = rescale(model, runs(model), given=(), seed=1)
    assert done.normalised == done.equalised == ("conv1", "conv2", "scores")
    # Rescaling between layers leaves the last as it is, and scales those before it.
    last = measured(model, "scores")
    torch.testing.assert_close(last.mean(0), torch.zeros(4).double(), atol=1e-9, rtol=0)
    torch.testing.assert_close(last.std(0, correction=0), torch.ones(4).double())
    for name in ("conv1", "conv2"):
        deviation = measured(model, name).std(0, correction=0)
        torch.testing.assert_close(deviation, deviation[:1].expand_as(deviation))
        mean = measured(model, name).mean(0)
        torch.testing.assert_close(mean, torch.zeros_like(mean), atol=1e-9, rtol=0)


def independent_rates(model: nn.Sequential, seed: int) -> list[float]:
    """As the equation has it, with autograd's own sums over batches of random losses."""
    chance = torch.Generator().manual_seed(seed)
    layers = [layer for layer in model if hasattr(layer, "weight")]
    squares = [0.0] * len(layers)
    for batch in BATCHES:
        model.zero_grad()
        said = model(batch.double())
        (said * torch.randn(said.shape, generator=chance).double()).sum().backward()
        for at, layer in enumerate(layers):
            squares[at] += float((layer.weight.grad**2).mean()) / len(BATCHES)
    sizes = [float((layer.weight.detach() ** 2).mean()) for layer in layers]
    return [(square / size) ** 0.5 for square, size in zip(squares, sizes, strict=True)]


@pytest.mark.parametrize("bias", [True, False])
def test_given_layers_learn_at_one_rate_and_say_the_same(bias: bool) -> None:
    model = network(bias=bias)
    given = {name for name, _ in model.named_parameters()}
    before = [run() for run in runs(model)]
    uneven = independent_rates(model, 7)
    assert max(uneven) > 10 * min(uneven)
    done = rescale(model, runs(model), given=given, seed=7)
    assert done == ((), ("conv1", "conv2", "scores"), ())
    for was, now in zip(before, [run() for run in runs(model)], strict=True):
        torch.testing.assert_close(now, was)
    found = independent_rates(model, 7)
    mean = torch.tensor(uneven).log().mean().exp()
    assert found == pytest.approx([float(mean)] * 3, rel=1e-5)
    layers = [layer for layer in model if hasattr(layer, "weight")]
    assert rates(layers, runs(model), 7).tolist() == pytest.approx(found)


def test_what_is_normalised_or_frozen_is_left_alone() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 4, 1),
        nn.Conv2d(4, 4, 1),
        nn.ReLU(),
        nn.Conv2d(4, 5, 1),
        nn.Conv2d(5, 2, 1),
    ).double()
    nn.init.zeros_(model[7].weight)
    model.eval()
    model[3].requires_grad_(False)
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    done = rescale(model, runs(model), given=(), seed=1)
    assert done == (("4", "6"), ("4", "6"), ("0", "3"))
    for name, tensor in model.state_dict().items():
        changed = name.partition(".")[0] in ("4", "6")
        assert torch.equal(tensor, kept[name]) != changed, name


class Residual(nn.Module):
    """Whose second layer is passed by."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)
        self.first.weight.data.mul_(20.0)
        self.last = nn.Linear(3, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        first = self.first(inputs)
        return self.last(first + self.second(first).relu())


def test_what_would_change_is_refused() -> None:
    model = Residual()
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    given = set(kept)
    with pytest.raises(ValueError, match="what the network says would change"):
        rescale(model, [partial(model, torch.rand(8, 3))], given=given, seed=1)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, kept[name])
    twice = nn.Linear(3, 3)
    with pytest.raises(ValueError, match="runs 2 times"):
        rescale(twice, [lambda: twice(twice(torch.rand(8, 3)))], given=(), seed=1)
    frozen = nn.Linear(3, 3).requires_grad_(False)
    with pytest.raises(ValueError, match="no layer is left"):
        rescale(frozen, [lambda: frozen(torch.rand(8, 3))], given=(), seed=1)
