"""What a probe is: classifiers of which one is chosen."""

from abc import ABC, abstractmethod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class MissingLibraryError(RuntimeError):
    """scikit-learn is not installed; the text says what to do."""

    def __init__(self) -> None:
        super().__init__("probes need scikit-learn: pip install 'seqlab[features]'")


class Classifier(Protocol):
    """An estimator in scikit-learn's way."""

    def fit(self, features: Array, labels: NDArray[np.int64]) -> Any:
        """Learn from features [N, D] and classes [N]."""
        ...

    def predict(self, features: Array) -> NDArray[np.int64]:
        """Classes [N] of features [N, D]."""
        ...


class Probe(ABC):
    """A kind of classifier with a setting that examples choose."""

    @abstractmethod
    def classifiers(self, num_examples: int, seed: int) -> dict[str, Classifier]:
        """New classifiers by their setting, the simplest first.

        Args:
            num_examples: that they will learn from.
            seed: of what they draw.
        """

    @abstractmethod
    def leaning(self, classifier: Classifier, features: Array) -> NDArray[np.float64]:
        """How much a classifier of two classes leans to the second of them, [N].

        Args:
            classifier: one of these, after it has learned.
            features: [N, D].
        """
