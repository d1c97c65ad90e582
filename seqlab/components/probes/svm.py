"""Linear support vector machines."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seqlab.components.probes.interface import Array, Classifier, MissingLibraryError, Probe


class LinearSVM(Probe):
    """One class against all others, squared hinge loss; what C3D's features are read with.

    By scikit-learn. Tran et al. (2015), section 4.

    Args:
        costs: of an error against the length of the weights, of which one is chosen.
        standardise: whether each dimension gets mean 0 and deviation 1, by the training examples.
        max_iterations: of the solver.

    Raises:
        ValueError: there is no cost, or one is not above 0.
    """

    def __init__(self, *, costs: Sequence[float], standardise: bool, max_iterations: int) -> None:
        if not costs or min(costs) <= 0:
            raise ValueError(f"costs are above 0, and there is at least one; given {list(costs)}")
        self.costs, self.standardise = sorted(costs), standardise
        self.max_iterations = max_iterations

    def classifiers(self, num_examples: int, seed: int) -> dict[str, Classifier]:
        """A machine for each cost.

        Raises:
            MissingLibraryError: scikit-learn is not installed.
        """
        try:
            from sklearn.pipeline import make_pipeline
            from sklearn.preprocessing import StandardScaler
            from sklearn.svm import LinearSVC
        except ImportError as error:
            raise MissingLibraryError from error
        return {
            f"cost {cost:g}": make_pipeline(
                *([StandardScaler()] if self.standardise else []),
                LinearSVC(C=cost, max_iter=self.max_iterations, random_state=seed),
            )
            for cost in self.costs
        }

    def leaning(self, classifier: Classifier, features: Array) -> NDArray[np.float64]:
        """How far each lies beyond the plane between the two."""
        distances: NDArray[np.float64] = classifier.decision_function(features)
        return distances
