"""Layers of models that give an image back: against loops, interpolation and hand-worked values."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from seqlab.components.layers.bilinear_upsampling import BilinearUpsampling, bilinear_kernel
from seqlab.components.layers.borders import fitted, whole_strides
from seqlab.components.layers.convolution import normalised_convolution
from seqlab.components.layers.unpooling import pool, unpool

SQUARE = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).view(1, 1, 2, 2)


# ---------------------------------------------------------------- bilinear upsampling


@pytest.mark.parametrize("learned", [False, True])
def test_a_square_of_two_becomes_one_of_four(learned: bool) -> None:
    layer = BilinearUpsampling(channels=1, factor=2, learned=learned)
    by_hand = [
        [1.0, 1.25, 1.75, 2.0],
        [1.5, 1.75, 2.25, 2.5],
        [2.5, 2.75, 3.25, 3.5],
        [3.0, 3.25, 3.75, 4.0],
    ]
    assert layer(SQUARE)[0, 0].tolist() == by_hand


def test_a_kernel_of_ones_adds_what_overlaps() -> None:
    layer = BilinearUpsampling(channels=1, factor=2, learned=True)
    layer.weight.data.fill_(1.0)  # 4 x 4 with stride 2: each pixel lies below 2 x 2 locations
    by_hand = [[4, 6, 6, 8], [8, 10, 10, 12], [8, 10, 10, 12], [12, 14, 14, 16]]
    assert layer(SQUARE)[0, 0].tolist() == by_hand


def test_it_is_the_transpose_of_a_convolution_with_stride_two() -> None:
    torch.manual_seed(0)
    layer = BilinearUpsampling(channels=1, factor=2, learned=True).double()
    torch.nn.init.normal_(layer.weight)
    large, small = torch.randn(1, 1, 16, 16).double(), torch.zeros(1, 1, 8, 8).double()
    small[:, :, 2:6, 2:6] = torch.randn(4, 4).double()  # no value at the border is continued
    shrunk = F.conv2d(large, layer.weight, stride=2, padding=1)
    torch.testing.assert_close((layer(small) * large).sum(), (small * shrunk).sum())


def test_four_by_four_shrinks_to_two_by_two_and_comes_back() -> None:
    """The worked example: kernel 3 x 3 or 4 x 4, stride 2, padding 1."""
    ones = torch.ones(1, 1, 4, 4)
    # Corners of a 4 x 4 kernel of ones over a padded 4 x 4 picture: 3 x 3 of it are inside.
    assert F.conv2d(ones, ones, stride=2, padding=1)[0, 0].tolist() == [[9.0, 9.0], [9.0, 9.0]]
    back = F.conv_transpose2d(SQUARE, ones, stride=2, padding=1)[0, 0]
    assert back.tolist() == [[1, 3, 3, 2], [4, 10, 10, 6], [4, 10, 10, 6], [3, 7, 7, 4]]
    layer = BilinearUpsampling(channels=1, factor=2, learned=True)
    layer.weight.data.fill_(1.0)
    assert torch.equal(layer(F.pad(SQUARE, (1, 1, 1, 1)))[0, 0, 2:-2, 2:-2], back)


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("size", [(1, 1), (3, 5)])
def test_untrained_it_is_interpolation(factor: int, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    maps = torch.randn(2, 3, *size).double()
    expected = F.interpolate(maps, scale_factor=factor, mode="bilinear", align_corners=False)
    for learned in (False, True):
        layer = BilinearUpsampling(channels=3, factor=factor, learned=learned).double()
        torch.testing.assert_close(layer(maps), expected)


def test_the_kernel_is_that_of_the_published_code() -> None:
    for factor in (2, 3, 4, 7, 16):
        size = 2 * factor - factor % 2
        assert bilinear_kernel(factor).shape == (size, size)
        centre = factor - 1 if size % 2 else factor - 0.5
        for i in range(size):
            for j in range(size):
                expected = (1 - abs(i - centre) / factor) * (1 - abs(j - centre) / factor)
                assert float(bilinear_kernel(factor)[i, j]) == pytest.approx(expected)


def test_only_learned_weights_are_trained_and_kept() -> None:
    assert not list(BilinearUpsampling(channels=2, factor=2, learned=False).parameters())
    layer = BilinearUpsampling(channels=2, factor=2, learned=True)
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    layer(torch.rand(1, 2, 3, 3)).square().sum().backward()
    assert layer.weight.grad.abs().min() > 0
    with pytest.raises(ValueError, match="not 0"):
        BilinearUpsampling(channels=2, factor=0, learned=False)


# ---------------------------------------------------------------- pooling and unpooling


@pytest.mark.parametrize("size", [(4, 6), (5, 7), (1, 3)])
def test_unpooling_puts_maxima_back_where_they_were(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    maps = torch.randn(2, 3, *size)
    pooled = pool(maps)
    height, width = size
    assert pooled.values.shape == (2, 3, -(-height // 2), -(-width // 2))

    expected = np.zeros((2, 3, *size), np.float32)
    put_back = torch.randn(pooled.values.shape)
    for n, c in np.ndindex(2, 3):
        for row, column in np.ndindex(*pooled.values.shape[2:]):
            window = maps[n, c, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].numpy()
            assert pooled.values[n, c, row, column] == window.max()
            i, j = np.unravel_index(window.argmax(), window.shape)
            expected[n, c, 2 * row + i, 2 * column + j] = put_back[n, c, row, column]
    np.testing.assert_array_equal(unpool(put_back, pooled), expected)


def test_unpooling_by_hand() -> None:
    maps = torch.tensor([[1.0, 9.0, 2.0], [4.0, 3.0, 8.0], [5.0, 6.0, 7.0]]).view(1, 1, 3, 3)
    pooled = pool(maps)
    assert pooled.values[0, 0].tolist() == [[9.0, 8.0], [6.0, 7.0]]
    assert pooled.switches[0, 0].tolist() == [[1, 5], [7, 8]]
    back = unpool(torch.tensor([[10.0, 20.0], [30.0, 40.0]]).view(1, 1, 2, 2), pooled)
    assert back[0, 0].tolist() == [[0.0, 10.0, 0.0], [0.0, 0.0, 20.0], [0.0, 30.0, 40.0]]


# ---------------------------------------------------------------- borders and convolutions


def test_maps_go_on_or_end() -> None:
    maps = torch.tensor([[1.0, 2.0]]).view(1, 1, 1, 2)
    assert fitted(maps, (2, 3), centred=False)[0, 0].tolist() == [[1, 2, 2], [1, 2, 2]]
    assert fitted(maps, (1, 5), centred=True)[0, 0].tolist() == [[1, 1, 2, 2, 2]]
    row = torch.arange(6.0).view(1, 1, 1, 6)
    assert fitted(row, (1, 3), centred=False)[0, 0].tolist() == [[0, 1, 2]]
    assert fitted(row, (1, 4), centred=True)[0, 0].tolist() == [[1, 2, 3, 4]]
    assert fitted(row, (1, 3), centred=True)[0, 0].tolist() == [[1, 2, 3]]
    assert fitted(row, (1, 6), centred=True) is row


@pytest.mark.parametrize(("size", "whole"), [((1, 1), (4, 4)), ((4, 9), (4, 12)), ((8, 8), (8, 8))])
def test_whole_strides(size: tuple[int, int], whole: tuple[int, int]) -> None:
    images = torch.rand(1, 3, *size)
    continued = whole_strides(images, 4)
    assert continued.shape == (1, 3, *whole)
    assert torch.equal(continued[:, :, : size[0], : size[1]], images)
    assert torch.equal(continued[:, :, -1, -1], images[:, :, -1, -1])


@pytest.mark.parametrize(("kernel_size", "stride", "size"), [(3, 1, 6), (5, 1, 6), (1, 1, 6)])
def test_a_convolution_keeps_the_size(kernel_size: int, stride: int, size: int) -> None:
    torch.manual_seed(0)
    block = torch.nn.Sequential(
        *normalised_convolution(3, 64, kernel_size=kernel_size, stride=stride)
    )
    out = block(torch.randn(8, 3, 6, 6))
    assert out.shape == (8, 64, size, size)
    assert float(block[0].weight.detach().var()) == pytest.approx(2 / (3 * kernel_size**2), rel=0.3)
    # Half of what is normalised is cut off: the mean of max(0, x) is 1 / sqrt(2 pi).
    assert float(out.detach().mean()) == pytest.approx(0.399, abs=0.03)
