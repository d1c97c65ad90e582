"""How difficult the examples of an epoch are."""

from typing import Literal

import numpy as np


class Curriculum:
    """Chooses difficulties; Zaremba and Sutskever (2014), section 3.2, and two more.

    With a range from least to most, and a growing difficulty that reaches most after some epochs:

    - `hardest`: always most, which the paper calls no curriculum;
    - `naive`: the growing difficulty;
    - `mixed`: any of the range, each as often, from the first epoch on;
    - `combined`: of two batches one as `naive` and one as `mixed`, by chance;
    - `growing`: any from least to the growing difficulty.

    Args:
        strategy: one of the above.
        growth_epochs: epochs after which the growing difficulty is at its most; it begins at least.
            0 where nothing grows.

    Raises:
        ValueError: epochs are fewer than 0, or given where nothing grows.
    """

    def __init__(
        self,
        *,
        strategy: Literal["hardest", "naive", "mixed", "combined", "growing"],
        growth_epochs: int,
    ) -> None:
        if growth_epochs < 0:
            raise ValueError(f"growth_epochs is at least 0, not {growth_epochs}")
        if growth_epochs and strategy in ("hardest", "mixed"):
            raise ValueError(f"nothing grows with strategy={strategy}, so growth_epochs is 0")
        self.strategy, self.growth_epochs = strategy, growth_epochs

    def grown(self, epoch: int, least: int, most: int) -> int:
        """The growing difficulty of an epoch, counted from 0."""
        if epoch >= self.growth_epochs:
            return most
        return least + (most - least) * epoch // self.growth_epochs

    def difficulty(self, generator: np.random.Generator, epoch: int, least: int, most: int) -> int:
        """The difficulty of a batch: of an epoch and of what the generator draws, no more."""
        strategy = self.strategy
        if strategy == "combined":
            strategy = "naive" if generator.random() < 0.5 else "mixed"
        if strategy == "hardest":
            return most
        grown = self.grown(epoch, least, most)
        if strategy == "naive":
            return grown
        highest = most if strategy == "mixed" else grown
        return int(generator.integers(least, highest, endpoint=True))
