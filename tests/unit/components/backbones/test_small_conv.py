"""The small convolutional network: its map, its positions and where a location looks."""

from pathlib import Path

import pytest
import torch
import yaml

from seqlab.components.backbones.small_conv import SmallConv

CONF = Path(__file__).parents[4] / "conf" / "backbone" / "small_conv.yaml"


@pytest.fixture
def backbone() -> SmallConv:
    torch.manual_seed(0)
    return SmallConv(channels=16)


def test_it_states_its_map(backbone: SmallConv) -> None:
    assert (backbone.channels, backbone.stride, backbone.frozen) == (16, 8, False)
    assert backbone(torch.rand(2, 3, 64, 64)).shape == (2, 16, 8, 8)
    assert backbone(torch.rand(2, 3, 48, 80)).shape == (2, 16, 6, 10)
    config = yaml.safe_load(CONF.read_text())
    config.pop("_target_")
    assert SmallConv(**config).channels == 128


def test_a_location_is_centred_on_its_own_pixels(backbone: SmallConv) -> None:
    images = torch.rand(1, 3, 64, 64, requires_grad=True)
    for parameter in backbone.parameters():
        parameter.data.fill_(0.01)  # all positive: no ReLU closes, and every path counts alike
    backbone.eval()(images)[0, :, 3, 5].sum().backward()
    seen = images.grad[0].sum(dim=0)
    rows, columns = (torch.arange(64.0) * seen.sum(dim=d) / seen.sum() for d in (1, 0))
    assert float(rows.sum()) == pytest.approx(3 * 8 + 3.5)
    assert float(columns.sum()) == pytest.approx(5 * 8 + 3.5)


def test_equal_patches_differ_by_where_they_are(backbone: SmallConv) -> None:
    backbone.eval()
    features = backbone(torch.full((1, 3, 64, 64), 0.5))[0].detach()
    inner = features[:, 2:6, 2:6].flatten(1)  # out of reach of the borders' padding
    distances = torch.cdist(inner.T, inner.T) + torch.eye(16)
    assert float(distances.min()) > 1e-4


def test_fingerprints_tell_weights_apart(backbone: SmallConv) -> None:
    before = backbone.fingerprint()
    assert before == backbone.fingerprint()
    with torch.no_grad():
        backbone.layers[0].weight[0, 0, 0, 0] += 1e-3
    assert backbone.fingerprint() != before


def test_channels_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="divisible by 4"):
        SmallConv(channels=10)
