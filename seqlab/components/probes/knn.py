"""Nearest neighbours."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seqlab.components.probes.interface import Array, Classifier, MissingLibraryError, Probe


class NearestNeighbours(Probe):
    """The class that most of the nearest training examples have; by scikit-learn.

    Args:
        neighbours: how many are asked, of which one number is chosen.
        distance: between examples.

    Raises:
        ValueError: there is no number, or one is below 1.
    """

    def __init__(
        self, *, neighbours: Sequence[int], distance: Literal["cosine", "euclidean"]
    ) -> None:
        if not neighbours or min(neighbours) < 1:
            raise ValueError(f"neighbours are at least 1 each; given {list(neighbours)}")
        self.neighbours, self.distance = sorted(neighbours), distance

    def classifiers(self, num_examples: int, seed: int) -> dict[str, Classifier]:
        """One for each number of neighbours that there are.

        Raises:
            MissingLibraryError: scikit-learn is not installed.
        """
        try:
            from sklearn.neighbors import KNeighborsClassifier
        except ImportError as error:
            raise MissingLibraryError from error
        numbers = [number for number in self.neighbours if number <= num_examples]
        return {
            f"{number} neighbours": KNeighborsClassifier(number, metric=self.distance)
            for number in numbers or [num_examples]
        }

    def leaning(self, classifier: Classifier, features: Array) -> NDArray[np.float64]:
        """The share of the neighbours that are of the second."""
        shares: NDArray[np.float64] = classifier.predict_proba(features)[:, 1]
        return shares
