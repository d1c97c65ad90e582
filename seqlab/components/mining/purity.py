"""How pure clusters are, and how much they cover; Doersch et al. (2014), section 5."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Curve(NamedTuple):
    """Clusters taken in, purest first."""

    coverage: Tensor  # [K], share of the images in which one of them shows
    purity: Tensor  # [K], mean purity of those that were taken in


def purity(labels: Tensor) -> float:
    """Share of the most frequent label among the members of a cluster, [M]."""
    return float(labels.bincount().max()) / len(labels)


def purity_curve(images: Sequence[Tensor], labels: Sequence[Tensor], num_images: int) -> Curve:
    """Mean purity by coverage.

    Args:
        images: numbers of the images of the members of each cluster, K of them, each [M_k].
        labels: what each of its members shows, as many.
        num_images: how many images there are.
    """
    purities = torch.tensor([purity(each) for each in labels], dtype=torch.float64)  # [K]
    order = purities.argsort(descending=True, stable=True)  # [K]
    covered = torch.zeros(num_images, dtype=torch.bool)
    coverage = []
    for number in order.tolist():
        covered[images[number]] = True
        coverage.append(float(covered.float().mean()))
    counts = torch.arange(1, len(order) + 1)  # [K]
    return Curve(torch.tensor(coverage), purities[order].cumsum(0) / counts)
