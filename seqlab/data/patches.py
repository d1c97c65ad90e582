"""Patches on a grid over an image, and pairs of neighbours among them; Doersch et al. (2015)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

# Where the second patch lies seen from the first, in reading order: rows and columns of the grid.
STEPS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
POSITIONS = (
    "upper left",
    "above",
    "upper right",
    "left",
    "right",
    "lower left",
    "below",
    "lower right",
)


class Places(NamedTuple):
    """Where patches lie in an image, row by row of their grid."""

    rows: int
    columns: int
    tops: NDArray[np.int64]  # [rows * columns], pixels
    lefts: NDArray[np.int64]  # [rows * columns], pixels


class PatchGrid:
    """Grids of patches with a gap between neighbours, each patch moved a little by chance.

    So neither a line that goes on nor a texture that fits tells where the neighbour lies; Doersch
    et al. (2015), section 3.1. All patches of a grid meet each other in pairs, so that each is read
    once for several pairs.

    Args:
        patch_size: height and width of a patch in pixels; 96 in the paper.
        gap: pixels between neighbours before they are moved; 48 in the paper.
        jitter: pixels by which a patch is moved at most in each direction; 7 in the paper.
        most: rows and columns of a grid at most.

    Raises:
        ValueError: a number is out of its range, or the jitter lets neighbours overlap although
            there is a gap.
    """

    def __init__(self, *, patch_size: int, gap: int, jitter: int, most: tuple[int, int]) -> None:
        if patch_size < 1 or gap < 0 or jitter < 0:
            raise ValueError(
                "patch_size is above 0, gap and jitter are not below it; "
                f"{patch_size}, {gap} and {jitter} were given"
            )
        if min(most) < 2:
            raise ValueError(f"a grid has 2 rows and 2 columns at least, not {list(most)}")
        if gap and 2 * jitter > gap:
            raise ValueError(f"a jitter of {jitter} pixels closes the gap of {gap}")
        self.patch_size, self.gap, self.jitter, self.most = patch_size, gap, jitter, most

    @property
    def least_side(self) -> int:
        """Pixels that an image is high and wide at least, for a grid of 2 x 2."""
        return 2 * self.patch_size + self.gap + 2 * self.jitter

    def place(self, size: tuple[int, int], chance: np.random.Generator) -> Places:
        """A grid somewhere in an image.

        Args:
            size: height and width of the image in pixels.
            chance: where.

        Raises:
            ValueError: the image is too small for a grid of 2 x 2.
        """
        if min(size) < self.least_side:
            raise ValueError(f"an image has sides of {self.least_side} pixels, this is {size}")
        tops, lefts = (
            self._along(length, most, chance) for length, most in zip(size, self.most, strict=True)
        )
        down, right = np.meshgrid(tops, lefts, indexing="ij")
        moved = chance.integers(-self.jitter, self.jitter + 1, (2, *down.shape))
        return Places(
            len(tops), len(lefts), (down + moved[0]).reshape(-1), (right + moved[1]).reshape(-1)
        )

    def _along(self, length: int, most: int, chance: np.random.Generator) -> NDArray[np.int64]:
        """Where patches begin along a side of so many pixels, before they are moved."""
        step = self.patch_size + self.gap
        room = length - 2 * self.jitter - self.patch_size
        count = min(1 + room // step, most)
        first = self.jitter + int(chance.integers(0, room - (count - 1) * step + 1))
        return first + step * np.arange(count)

    def windows(self, size: tuple[int, int], step: int) -> Places:
        """Patches at equal distances all over an image, in the middle of what they leave over.

        Args:
            size: height and width of the image in pixels, at least those of a patch.
            step: pixels from one patch to the next.
        """
        rooms = [length - self.patch_size for length in size]
        tops, lefts = (room % step // 2 + step * np.arange(1 + room // step) for room in rooms)
        down, right = np.meshgrid(tops, lefts, indexing="ij")
        return Places(len(tops), len(lefts), down.reshape(-1), right.reshape(-1))

    def cut(self, image: Tensor, places: Places) -> list[Tensor]:
        """The patches [3, p, p] of an image [3, height, width]."""
        size = self.patch_size
        return [
            image[:, top : top + size, left : left + size]
            for top, left in zip(places.tops.tolist(), places.lefts.tolist(), strict=True)
        ]

    def centres(self, places: Places, size: tuple[int, int]) -> NDArray[np.float32]:
        """The middles of patches, right and down, [n, 2], from -1 to 1 in an image of a size."""
        height, width = size
        half = self.patch_size / 2
        right = (places.lefts + half) / width
        down = (places.tops + half) / height
        return (2 * np.stack([right, down], axis=1) - 1).astype(np.float32)


def draw_pairs(
    places: Places, pairs_per_position: int, chance: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of neighbours of a grid, as many of each of the eight positions.

    Args:
        places: the grid.
        pairs_per_position: how many; a grid that has fewer repeats some.
        chance: which.

    Returns:
        The numbers of two patches, [8 * pairs_per_position, 2], and the position of the second.
    """
    number = np.arange(places.rows * places.columns).reshape(places.rows, places.columns)
    pairs = []
    for down, right in STEPS:
        first = number[
            max(0, -down) : places.rows - max(0, down),
            max(0, -right) : places.columns - max(0, right),
        ].reshape(-1)
        replace = len(first) < pairs_per_position
        chosen = chance.choice(first, pairs_per_position, replace=replace)
        pairs.append(np.stack([chosen, chosen + down * places.columns + right], axis=1))
    positions = np.repeat(np.arange(len(STEPS)), pairs_per_position)
    return np.concatenate(pairs), positions
