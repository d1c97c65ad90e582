"""The small convolutional network: its map, its positions and where a location looks."""

from pathlib import Path

import pytest
import torch
import yaml

from seqlab.components.backbones.small_conv import PRETRAINED, SmallConv
from seqlab.data.synthetic.scenes import SHAPES, draw_scenes, render

CONF = Path(__file__).parents[4] / "conf" / "backbone"


@pytest.fixture
def backbone() -> SmallConv:
    torch.manual_seed(0)
    return SmallConv(channels=16, pretrained=False)


def test_it_states_its_map(backbone: SmallConv) -> None:
    assert (backbone.channels, backbone.stride, backbone.frozen) == (16, 8, False)
    assert backbone(torch.rand(2, 3, 64, 64)).shape == (2, 16, 8, 8)
    assert backbone(torch.rand(2, 3, 48, 80)).shape == (2, 16, 6, 10)
    for name in ("small_conv", "small_conv_pretrained"):
        config = yaml.safe_load((CONF / f"{name}.yaml").read_text())
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
        SmallConv(channels=10, pretrained=False)


def test_summary_is_the_largest_of_each_feature(backbone: SmallConv) -> None:
    feature_map = torch.randn(2, 16, 3, 4)
    largest = feature_map.flatten(2).max(dim=2).values
    assert torch.equal(backbone.summary(feature_map), largest)


def test_pretrained_weights_have_their_own_channels() -> None:
    with pytest.raises(ValueError, match="channels=128, not 64"):
        SmallConv(channels=64, pretrained=True)


def test_pretrained_features_tell_shapes_apart_and_random_ones_hardly() -> None:
    scenes = draw_scenes(0, 5000)[4500:]  # the test split, which pretraining never saw
    images = torch.stack([torch.from_numpy(render(scene)[0]) for scene in scenes]).float() / 255
    shapes = torch.tensor([SHAPES.index(scene.objects[0].shape) for scene in scenes])
    shares = {}
    for pretrained in (True, False):
        torch.manual_seed(0)
        backbone = SmallConv(channels=128, pretrained=pretrained).eval()
        with torch.no_grad():
            features = backbone.summary(backbone(images))  # [500, 128]
        features = (features - features.mean(dim=0)) / (features.std(dim=0) + 1e-6)
        # A linear reading by ridge regression on 400, measured on the other 100.
        known, asked = features[:400], features[400:]
        wanted = torch.nn.functional.one_hot(shapes[:400]).float()
        reading = torch.linalg.solve(known.T @ known + 20 * torch.eye(128), known.T @ wanted)
        shares[pretrained] = float(((asked @ reading).argmax(dim=1) == shapes[400:]).float().mean())
    assert shares[True] > 0.85
    assert shares[False] < 0.5


def test_weights_lie_beside_the_module() -> None:
    assert PRETRAINED.is_file()
