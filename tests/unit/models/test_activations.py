"""Layers that are read while a network runs."""

import pytest
import torch
from torch import Tensor, nn

from seqlab.models.activations import LayerReader


class Net(nn.Module):
    """A map, units whose rectifier works in place, and a layer that sees frames one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 3, 1)
        self.linear = nn.Linear(12, 5)
        self.rectifier = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.5)
        self.frames = nn.Linear(2, 4)
        self.unused = nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.dropout(self.rectifier(self.linear(self.conv(x).flatten(1))))
        self.frames(x.transpose(1, 2).flatten(0, 1))
        return hidden


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Net()


def test_vectors_are_what_the_layer_gave(net: Net) -> None:
    x = torch.randn(2, 2, 4)
    maps = torch.stack([net.conv(each[None])[0] for each in x])  # [2, 3, 4]
    before = net.linear(maps.flatten(1))
    expected = {
        ("conv", "whole"): maps.flatten(1),
        ("linear", "whole"): before,  # not rectified, though it is afterwards, in place
        ("rectifier", "whole"): before.clamp(min=0),
        ("dropout", "whole"): before.clamp(min=0),  # nothing is dropped
        ("frames", "whole"): torch.stack([net.frames(each.T).mean(0) for each in x]),
    }
    for (layer, kind), vectors in expected.items():
        read = LayerReader(net, layer, maps=kind)(x)
        torch.testing.assert_close(read, vectors.detach())


def test_maps_are_averaged() -> None:
    net, x = nn.Sequential(nn.Conv2d(3, 2, 1)), torch.randn(2, 3, 4, 5)
    read = LayerReader(net, "0", maps="mean")(x)
    torch.testing.assert_close(read, net(x).detach().mean((2, 3)))
    steps = torch.randn(2, 3, 4)
    read = LayerReader(nn.Sequential(nn.Identity()), "0", maps="mean")(steps)
    torch.testing.assert_close(read, steps.mean(1))


def test_what_cannot_be_read_is_refused(net: Net) -> None:
    with pytest.raises(KeyError):
        LayerReader(net, "fc9", maps="whole")
    with pytest.raises(ValueError, match="runs 0 times"):
        LayerReader(net, "unused", maps="whole")(torch.randn(2, 2, 4))
    twice = nn.Sequential(nn.Identity())
    twice.forward = lambda x: twice[0](twice[0](x))  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="runs 2 times"):
        LayerReader(twice, "0", maps="whole")(torch.randn(2, 3))
    with pytest.raises(ValueError, match="tuple"):
        LayerReader(nn.Sequential(nn.LSTM(2, 3)), "0", maps="whole")(torch.randn(4, 1, 2))
