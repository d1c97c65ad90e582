"""Four patches that lie in a square, and where else the same four do; Doersch et al. (2015)."""

from typing import NamedTuple

import torch
from torch import Tensor

# Corners of a square of side 1 around the origin, right and down, in the order of a constellation.
CORNERS = ((-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5))
SIDES = (2 / 3, 4 / 3)  # of a fitted square, in sides of a patch
LARGEST_ERROR = 1.0  # of a match, in squared sides of its square


class Patches(NamedTuple):
    """Patches of a collection of images."""

    features: Tensor  # [N, D], of length 1
    images: Tensor  # [N], number of the image of each, rising
    centres: Tensor  # [N, 2], right and down, in sides of a patch


class Matches(NamedTuple):
    """The images in which a constellation was looked for, best first."""

    images: Tensor  # [M], their numbers
    patches: Tensor  # [M, 4], the patch of each that is most like each of the four
    scores: Tensor  # [M], sum of the four similarities
    errors: Tensor  # [M], how little their places make a square, in squared sides

    @property
    def verified(self) -> Tensor:
        """Which of them lie in a square, [M]."""
        return self.errors < LARGEST_ERROR


def find(constellation: Tensor, patches: Patches, num_images: int, most: int) -> Matches:
    """Look for four patches in all other images, wherever in them they lie.

    Args:
        constellation: numbers of the four patches, of one image, [4].
        patches: all that there are.
        num_images: how many images there are.
        most: how many images are kept, 100 in the paper.
    """
    similar = patches.features @ patches.features[constellation].T  # [N, 4]
    best = similar.new_full((num_images, 4), -torch.inf)  # [I, 4]
    index = patches.images.unsqueeze(1).expand(-1, 4)  # [N, 4]
    best.scatter_reduce_(0, index, similar, "amax")
    scores = best.sum(dim=1)  # [I]
    scores[patches.images[constellation[0]]] = -torch.inf  # its own image
    kept = scores.topk(min(most, num_images - 1))
    found = torch.stack([_best_in(patches.images, similar, image) for image in kept.indices])
    errors = square_errors(patches.centres[found])  # [M]
    return Matches(kept.indices, found, kept.values, errors)


def _best_in(images: Tensor, similar: Tensor, image: Tensor) -> Tensor:
    """Numbers [4] of the patches of an image that are most like each of the four."""
    first, last = torch.searchsorted(images, torch.stack([image, image + 1])).tolist()
    return first + similar[first:last].argmax(dim=0)


def square_errors(centres: Tensor) -> Tensor:
    """How far four centres are from the corners of the upright square that fits them best.

    The squared distances, summed, over the squared side; the side is from 2/3 to 4/3 of that of a
    patch. So section 5 of the paper weakens the verification of Chum et al. (2007).

    Args:
        centres: right and down, in sides of a patch, [M, 4, 2].

    Returns:
        [M].
    """
    corners = centres.new_tensor(CORNERS)  # [4, 2]
    middle = centres.mean(dim=1, keepdim=True)  # [M, 1, 2]
    apart = centres - middle  # [M, 4, 2]
    # The squares of the corners' coordinates sum to 2, and theirs to 0.
    side = (apart * corners).sum(dim=(1, 2)) / 2  # [M]
    side = side.clamp(*SIDES)
    error = (apart - side.view(-1, 1, 1) * corners).square().sum(dim=(1, 2))  # [M]
    return error / side.square()


def without_repetitions(found: list[Matches], most: int, overlap: float) -> list[int]:
    """The best constellations, none of which shows in largely the same images as a better one.

    Args:
        found: of each constellation.
        most: how many are kept.
        overlap: share of the fewer verified images of two that both have at most.

    Returns:
        Their numbers, by how many of their matches are verified and then by their scores.
    """
    ranked = sorted(
        range(len(found)),
        key=lambda number: (
            -int(found[number].verified.sum()),
            -float(found[number].scores.mean()),
        ),
    )
    kept: list[int] = []
    images: dict[int, set[int]] = {}
    for number in ranked:
        own = set(found[number].images[found[number].verified].tolist())
        repeats = any(
            len(own & images[other]) > overlap * max(1, min(len(own), len(images[other])))
            for other in kept
        )
        if own and not repeats:
            kept.append(number)
            images[number] = own
        if len(kept) == most:
            break
    return kept
