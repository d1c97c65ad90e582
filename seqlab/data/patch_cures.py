"""What is done to patches so that no network can guess their place by a trick."""

from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

GREEN_MAGENTA = (-1.0, 2.0, -1.0)  # the axis a of colours along which a lens errs

_NOISE = 0.01  # deviation of a dropped colour, as a share of that of the one that stays
_USUAL_MEAN, _USUAL_DEVIATION = 0.5, 0.25  # of pictures in [0, 1], which other tasks show


class PatchCures:
    """The pre-processing of Doersch et al. (2015), section 3.1; each part can be switched off.

    Args:
        colour: `projection` takes out of each pixel what lies along the green-magenta axis, so that
            a lens which bends green otherwise than red and blue leaves no trace; `dropping` keeps
            one colour of a patch, by chance, and fills the others with faint noise; `none`.
        downsampled_share: of the patches, which are reduced and enlarged again, so that sharpness
            tells nothing; 0.33 in the published code.
        least_pixels: of a reduced patch; 100 in the paper.
        normalise: whether each patch gets the mean and deviation that pictures usually have.

    Raises:
        ValueError: a number is out of its range.
    """

    def __init__(
        self,
        *,
        colour: Literal["projection", "dropping", "none"],
        downsampled_share: float,
        least_pixels: int,
        normalise: bool,
    ) -> None:
        if not 0 <= downsampled_share <= 1:
            raise ValueError(f"downsampled_share is from 0 to 1, {downsampled_share} was given")
        if least_pixels < 1:
            raise ValueError(f"least_pixels is above 0, {least_pixels} was given")
        if colour not in ("projection", "dropping", "none"):
            raise ValueError(f"colour is projection, dropping or none, {colour} was given")
        self.colour = colour
        self.downsampled_share, self.least_pixels = downsampled_share, least_pixels
        self.normalise = normalise

    def __call__(
        self, patches: Tensor, chance: np.random.Generator, *, reduced: bool = True
    ) -> Tensor:
        """Patches as the network gets them.

        Args:
            patches: [n, 3, p, p] in [0, 1].
            chance: which are reduced, and which colours are dropped.
            reduced: whether any are; not where patches are compared.
        """
        if reduced:
            patches = self._reduced(patches, chance)  # [n, 3, p, p]
        if self.colour == "projection":
            patches = torch.einsum("ij,njhw->nihw", _projection(), patches)  # [n, 3, p, p]
        elif self.colour == "dropping":
            patches = _dropped(patches, chance)  # [n, 3, p, p]
        if not self.normalise:
            return patches
        mean = patches.mean(dim=(1, 2, 3), keepdim=True)  # [n, 1, 1, 1]
        deviation = patches.std(dim=(1, 2, 3), keepdim=True, correction=0)  # [n, 1, 1, 1]
        standard = (patches - mean) / deviation.clamp_min(1e-3)  # [n, 3, p, p]
        return _USUAL_MEAN + _USUAL_DEVIATION * standard

    def _reduced(self, patches: Tensor, chance: np.random.Generator) -> Tensor:
        """Some of the patches as if they had been enlarged from fewer pixels."""
        side = patches.shape[2]
        least = min(side, int(np.ceil(np.sqrt(self.least_pixels))))
        is_reduced = chance.random(len(patches)) < self.downsampled_share
        sides = chance.integers(least, side + 1, len(patches))
        patches = patches.clone()
        for number in np.flatnonzero(is_reduced).tolist():
            one = patches[number : number + 1]  # [1, 3, p, p]
            small = F.interpolate(one, size=int(sides[number]), mode="area")
            patches[number] = F.interpolate(small, size=side, mode="bilinear")[0]
        return patches


def _projection() -> Tensor:
    """B = I - a^T a / (a a^T), [3, 3], which a colour is multiplied with."""
    a = torch.tensor([GREEN_MAGENTA])  # [1, 3]
    return torch.eye(3) - a.T @ a / (a @ a.T)


def _dropped(patches: Tensor, chance: np.random.Generator) -> Tensor:
    """Patches [n, 3, p, p] of which one colour is left."""
    rows = torch.arange(len(patches))
    kept = torch.from_numpy(chance.integers(0, 3, len(patches)))  # [n]
    colour = patches[rows, kept]  # [n, p, p]
    noise = torch.from_numpy(chance.standard_normal(patches.shape, dtype=np.float32))
    deviation = colour.std(dim=(1, 2), correction=0).view(-1, 1, 1, 1)  # [n, 1, 1, 1]
    filled = colour.mean(dim=(1, 2)).view(-1, 1, 1, 1) + _NOISE * deviation * noise
    filled[rows, kept] = colour
    return filled
