"""Hypercolumns, patches, scales and recurrence against loops."""

import sys

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from seqlab.components.superpixels import MissingLibraryError, superpixels, voted
from tests.unit.models.segmentation.parts import NUM_CLASSES, build

# ---------------------------------------------------------------- hypercolumns


@pytest.mark.parametrize("grid_size", [1, 2, 3])
def test_each_place_has_its_classifier_and_they_blend(grid_size: int) -> None:
    model = build("hypercolumns", grid_size=grid_size).eval()
    K, size = grid_size, (7, 10)
    columns = torch.randn(1, 9, *size).double()
    W = model.classifiers.weight.detach().numpy()[:, :, 0, 0].reshape(K * K, NUM_CLASSES, 9)
    b = model.classifiers.bias.detach().numpy().reshape(K * K, NUM_CLASSES)
    expected = np.zeros((NUM_CLASSES, *size))
    for y, x in np.ndindex(*size):
        # Distance to the middle of each cell, in cells; beyond the outer middles as at them.
        v = np.clip((y + 0.5) * K / size[0] - 0.5, 0, K - 1)
        u = np.clip((x + 0.5) * K / size[1] - 0.5, 0, K - 1)
        for k in range(K * K):
            alpha = max(0, 1 - abs(v - k // K)) * max(0, 1 - abs(u - k % K))
            expected[:, y, x] += alpha * (W[k] @ columns[0, :, y, x].numpy() + b[k])
    found = model.classify(columns)[0].detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_a_hypercolumn_is_what_all_maps_say_of_a_location() -> None:
    model = build("hypercolumns_grid").eval()
    images = torch.rand(1, 3, 21, 27).double()
    maps = model.backbone.pyramid(images)
    columns = []
    for layer, features, factor in zip(model.from_maps, maps, (1, 2, 4), strict=True):
        up = F.interpolate(features, scale_factor=factor, mode="bilinear")[:, :, :11, :14]
        columns.append(torch.einsum("cd,bdhw->bchw", layer.weight[:, :, 0, 0], up))
        columns[-1] = columns[-1] + layer.bias.view(1, -1, 1, 1)
    logits = model.classify(torch.cat(columns, dim=1).relu())
    expected = F.interpolate(logits, scale_factor=2, mode="bilinear")[:, :, :21, :27]
    torch.testing.assert_close(model(images).logits, expected)


@pytest.mark.parametrize(("name", "text"), [("stride", "2, 4, 8, not 3"), ("grid_size", "not 0")])
def test_hypercolumns_refuse_what_has_no_meaning(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        build("hypercolumns", **{name: 3 if name == "stride" else 0})


# ---------------------------------------------------------------- patches


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_dense_scores_are_those_of_each_patch(stride: int) -> None:
    model = build("patch_classifier", stride=stride).eval()
    P = model.patch_size
    assert P == 14  # 2 -> 4 + 2 -> 12 + 2
    images = torch.rand(2, 3, 9, 13).double()
    dense = model(images).logits
    beyond = F.pad(images, (P, P, P, P), mode="replicate")
    for row in range(0, 9, stride):
        for column in range(0, 13, stride):
            top, left = P + row - P // 2, P + column - P // 2
            patches = beyond[:, :, top : top + P, left : left + P]
            torch.testing.assert_close(dense[:, :, row, column], model.classify(patches))


def test_a_patch_decides_by_its_pixels_alone() -> None:
    model = build("patch_classifier").eval()
    images = torch.rand(1, 3, 40, 40, dtype=torch.double, requires_grad=True)
    model(images).logits[0, :, 20, 25].sum().backward()
    rows, columns = images.grad[0].abs().sum(dim=0).nonzero().unbind(dim=1)
    first, last = model.patch_size // 2, model.patch_size - 1 - model.patch_size // 2
    assert rows.min() >= 20 - first
    assert rows.max() <= 20 + last
    assert columns.min() >= 25 - first
    assert columns.max() <= 25 + last


def test_training_classifies_fewer_pixels_with_the_same_result() -> None:
    model = build("patch_classifier", training_stride=4)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    model.training = True
    images = torch.rand(1, 3, 18, 23).double()
    coarse = model(images).logits
    model.training = False
    torch.testing.assert_close(coarse[:, :, ::4, ::4], model(images).logits[:, :, ::4, ::4])
    between = (coarse[:, :, 0, 0] + coarse[:, :, 0, 4]) / 2
    torch.testing.assert_close(coarse[:, :, 0, 2], between)


def test_patches_refuse_what_has_no_meaning() -> None:
    with pytest.raises(ValueError, match="training_stride is 1, 2, 4, not 8"):
        build("patch_classifier", training_stride=8)
    with pytest.raises(ValueError, match=r"patches are 14 x 14 pixels, not \[9, 14\]"):
        build("patch_classifier").classify(torch.rand(1, 3, 9, 14).double())


# ---------------------------------------------------------------- scales


def test_each_scale_is_read_by_the_same_network() -> None:
    model = build("multiscale").eval()
    images = torch.rand(1, 3, 64, 32).double()
    maps = []
    for factor in (1, 2, 4):
        smaller = images.unflatten(2, (-1, factor)).unflatten(4, (-1, factor)).mean(dim=(3, 5))
        features = model.backbone(smaller)
        maps.append(F.interpolate(features, scale_factor=factor, mode="bilinear"))
    hidden, _, _, score = model.classifier
    W, V = hidden.weight[:, :, 0, 0], score.weight[:, :, 0, 0]
    units = torch.einsum("hd,bdyx->bhyx", W, torch.cat(maps, dim=1)) + hidden.bias.view(1, -1, 1, 1)
    logits = torch.einsum("ch,bhyx->bcyx", V, units.relu()) + score.bias.view(1, -1, 1, 1)
    expected = F.interpolate(logits, scale_factor=8, mode="bilinear")
    torch.testing.assert_close(model(images).logits, expected)
    with pytest.raises(ValueError, match="not 0"):
        build("multiscale", num_scales=0)


def test_the_pixels_of_a_superpixel_vote() -> None:
    torch.manual_seed(0)
    images = torch.full((2, 3, 24, 30), 0.1)
    images[0, :, 6:18, 5:20], images[1, 1, :, 15:] = 0.9, 0.8
    logits = torch.randn(2, NUM_CLASSES, 24, 30)
    found = voted(logits, images)
    for n in range(2):
        regions = superpixels(images[n])
        assert regions.unique().tolist() == list(range(int(regions.max()) + 1))
        assert regions[12, 25 if n else 12] != regions[0, 0]  # of another colour
        for region in regions.unique():
            pixels = [(y, x) for y, x in np.ndindex(24, 30) if regions[y, x] == region]
            shares = sum(logits[n, :, y, x].softmax(dim=0) for y, x in pixels) / len(pixels)
            for y, x in pixels:
                torch.testing.assert_close(found[n, :, y, x].exp(), shares)


def test_superpixels_vote_in_evaluation_alone() -> None:
    model = build("multiscale", superpixels=True)
    images = torch.rand(2, 3, 20, 24).double()
    plain = build("multiscale").eval()(images).logits
    assert torch.equal(model.eval()(images).logits, voted(plain, images))
    model.train()(images).logits.sum().backward()  # no vote has a gradient of all its pixels


def test_a_missing_library_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
    with pytest.raises(MissingLibraryError, match=r"pip install 'seqlab\[segmentation\]'"):
        build("multiscale", superpixels=True)
    build("multiscale")


# ---------------------------------------------------------------- recurrence


@pytest.mark.parametrize("num_instances", [1, 2, 3])
def test_each_instance_reads_the_image_and_the_planes_before(num_instances: int) -> None:
    model = build("recurrent_cnn", num_instances=num_instances).eval()
    images = torch.rand(2, 3, 40, 24).double()
    planes = torch.zeros(2, NUM_CLASSES, 1, 1).double()
    answers = []
    first, _, _, second, _, last = model.f
    for instance in range(num_instances):
        factor = 2 ** (num_instances - 1 - instance)
        image = images.unflatten(2, (-1, factor)).unflatten(4, (-1, factor)).mean(dim=(3, 5))
        image = (image - 0.5) / 0.25
        wide = F.interpolate(planes, size=image.shape[2:], mode="bilinear")
        x = torch.cat([wide, image], dim=1)
        x = F.max_pool2d(F.conv2d(x, first.weight, first.bias, padding=1).relu(), 2)
        x = F.conv2d(x, second.weight, second.bias, padding=1).relu()
        planes = F.conv2d(x, last.weight, last.bias)
        answers.append(F.interpolate(planes, scale_factor=2 * factor, mode="bilinear"))
    segmented = model(images)
    assert len(segmented.earlier) == num_instances - 1
    for found, expected in zip((*segmented.earlier, segmented.logits), answers, strict=True):
        torch.testing.assert_close(found, expected)


def test_instances_share_their_weights() -> None:
    one, three = build("recurrent_cnn", num_instances=1), build("recurrent_cnn", num_instances=3)
    assert [p.shape for p in one.parameters()] == [p.shape for p in three.parameters()]
    for changes in ({"widths": []}, {"num_instances": 0}, {"kernel_size": 4}):
        with pytest.raises(ValueError, match="at least one width"):
            build("recurrent_cnn", **changes)
