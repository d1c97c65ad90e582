"""An image whole, in windows and mirrored."""

import pytest
import torch
from torch import Tensor

from seqlab.components.inference.sliding import SlidingWindow
from seqlab.components.inference.whole import WholeImage

torch.manual_seed(0)
IMAGES = torch.rand(2, 3, 20, 30)
MIX = torch.randn(4, 3)


def pixelwise(images: Tensor) -> Tensor:
    """Each pixel for itself, so that it does not matter what else is shown."""
    return torch.einsum("cd,bdhw->bchw", MIX, images)


def placed(images: Tensor) -> Tensor:
    """Depends on where in the window a pixel lies."""
    columns = torch.arange(images.shape[3]).float()
    return torch.stack([images[:, 0] + columns, images[:, 1] - columns], dim=1)


def test_whole_is_what_the_network_says() -> None:
    assert torch.equal(WholeImage(flip=False)(placed, IMAGES), placed(IMAGES))


def test_a_network_that_does_not_see_mirrors_says_the_same_of_them() -> None:
    found = WholeImage(flip=True)(pixelwise, IMAGES)
    torch.testing.assert_close(found, pixelwise(IMAGES).log_softmax(dim=1))


def test_mirrored_probabilities_are_averaged() -> None:
    there = placed(IMAGES).softmax(dim=1)
    back = placed(IMAGES.flip(3)).softmax(dim=1).flip(3)
    found = WholeImage(flip=True)(placed, IMAGES)
    torch.testing.assert_close(found.exp(), (there + back) / 2)
    windows = SlidingWindow(window=(99, 99), overlap=0.5, flip=True)
    torch.testing.assert_close(windows(placed, IMAGES), found)


@pytest.mark.parametrize("window", [(20, 30), (7, 9), (20, 8), (1, 1), (64, 64)])
@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_windows_say_what_the_whole_says(window: tuple[int, int], overlap: float) -> None:
    found = SlidingWindow(window=window, overlap=overlap, flip=False)(pixelwise, IMAGES)
    torch.testing.assert_close(found, pixelwise(IMAGES).log_softmax(dim=1))


def test_windows_are_as_large_as_asked_for_and_overlap() -> None:
    seen = torch.zeros(20, 30)
    sizes = set()

    def score(window: Tensor) -> Tensor:
        sizes.add(tuple(window.shape[2:]))
        for row, column in window[0, 0].long().flatten().unsqueeze(1) // torch.tensor([30, 1]):
            seen[row, column % 30] += 1
        return pixelwise(window)

    numbers = torch.arange(600).float().view(1, 1, 20, 30).expand(1, 3, -1, -1)
    SlidingWindow(window=(10, 12), overlap=0.5, flip=False)(score, numbers)
    assert sizes == {(10, 12)}
    # tops 0, 5, 10; lefts 0, 6, 12, 18: the middle lies in four windows, a corner in one
    assert seen[0, 0] == seen[19, 29] == 1
    assert seen[9, 14] == 4
    assert seen.sum() == 12 * 120


@pytest.mark.parametrize("wrong", [{"window": (0, 4)}, {"overlap": 1.0}, {"overlap": -0.1}])
def test_refused_settings(wrong: dict[str, object]) -> None:
    settings: dict[str, object] = {"window": (4, 4), "overlap": 0.5, "flip": False}
    with pytest.raises(ValueError, match="overlap="):
        SlidingWindow(**(settings | wrong))
