"""Whether attention looks at what is named."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from seqlab.components.masking import length_mask


class PointingAccuracy(Metric):
    """Share of the words naming an object whose attention is greatest on that object's mask.

    The pointing game of Zhang et al. (2016) without tolerance: the point of the greatest weight of
    the bilinearly upsampled map must lie on the mask. Interpolated weights are means of those at
    the centres around them, so that point is the centre of the location with the greatest weight;
    of equal weights the first location counts.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    hits: Tensor
    words: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("hits", default=torch.zeros((), dtype=torch.long), dist_reduce_fx="sum")
        self.add_state("words", default=torch.zeros((), dtype=torch.long), dist_reduce_fx="sum")

    def update(
        self,
        weights: Tensor,
        grid: tuple[int, int],
        objects: Tensor,
        masks: Tensor,
        image_index: Tensor | None = None,
    ) -> None:
        """Add captions.

        Args:
            weights: attention at each step, [B, T, L], locations numbered row by row.
            grid: rows h and columns w of the locations.
            objects: which object the word of a step names, [B, T], -1 for none.
            masks: True on the visible pixels of each object, [I, objects, height, width]; words
                naming an object of which nothing is visible do not count.
            image_index: which image a caption describes, [B]; None where caption b has image b.

        Raises:
            ValueError: the sizes do not fit together.
        """
        _check(weights, grid, objects, masks, image_index)
        if image_index is None:
            image_index = torch.arange(len(weights), device=masks.device)
        b, t = (objects >= 0).nonzero(as_tuple=True)  # [W] words that name an object
        best = weights[b, t].argmax(dim=1)  # [W]
        rows, columns = best // grid[1], best % grid[1]  # [W]
        height, width = masks.shape[-2:]
        y = ((2 * rows + 1) * height) // (2 * grid[0])  # [W] pixel in which the centre lies
        x = ((2 * columns + 1) * width) // (2 * grid[1])  # [W]
        named, image = objects[b, t], image_index[b]  # [W]
        visible = masks.flatten(2).any(dim=2)[image, named]  # [W]
        self.hits += (masks[image, named, y, x].bool() & visible).sum()
        self.words += visible.sum()

    def compute(self) -> Tensor:
        """Hits per word, 0 to 1; NaN where no word named an object."""
        return self.hits / self.words


class TellingAttention(Metric):
    """How much of a video's attention lies on the frames that tell what is asked for.

    Attention of all words counts, also of those that any frame would do for.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    mass: Tensor
    peaks: Tensor
    words: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("mass", default=torch.zeros((), dtype=torch.double), dist_reduce_fx="sum")
        self.add_state("peaks", default=torch.zeros((), dtype=torch.long), dist_reduce_fx="sum")
        self.add_state("words", default=torch.zeros((), dtype=torch.long), dist_reduce_fx="sum")

    def update(self, weights: Tensor, lengths: Tensor, telling: Tensor) -> None:
        """Add captions.

        Args:
            weights: attention at each step, [B, T, F].
            lengths: words and end of each caption, [B]; the end does not count.
            telling: True on the frames that tell, [B, F]; captions of videos without one do not
                count.

        Raises:
            ValueError: the sizes do not fit together.
        """
        if weights.shape[::2] != telling.shape or len(lengths) != len(weights):
            raise ValueError(
                f"weights {tuple(weights.shape)} do not fit {len(lengths)} lengths and frames "
                f"{tuple(telling.shape)}"
            )
        counted = length_mask(lengths - 1, weights.shape[1]) & telling.any(dim=1, keepdim=True)
        told = telling.unsqueeze(1)  # [B, 1, F]
        mass = weights.double().masked_fill(~told, 0.0).sum(dim=2)  # [B, T]
        best = weights.argmax(dim=2)  # [B, T]
        self.mass += mass[counted].sum()
        self.peaks += (telling.gather(1, best) & counted).sum()
        self.words += counted.sum()

    def compute(self) -> dict[str, Tensor]:
        """Share of the mass, and of the words whose peak it is, 0 to 1; NaN where no word counts.

        By name: attention_on_telling and peak_on_telling.
        """
        return {
            "attention_on_telling": self.mass / self.words,
            "peak_on_telling": self.peaks / self.words,
        }


def _check(
    weights: Tensor,
    grid: tuple[int, int],
    objects: Tensor,
    masks: Tensor,
    image_index: Tensor | None,
) -> None:
    if weights.shape[-1] != grid[0] * grid[1]:
        raise ValueError(f"{weights.shape[-1]} weights cannot be a grid of {grid[0]} x {grid[1]}")
    if objects.shape != weights.shape[:2]:
        raise ValueError(
            f"weights are of {tuple(weights.shape[:2])} words, objects of {tuple(objects.shape)}"
        )
    images = len(masks) if image_index is None else len(image_index)
    if images != len(weights):
        raise ValueError(f"{len(weights)} captions, but images for {images} of them")
