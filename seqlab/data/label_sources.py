"""What a data set of images with classes is to the data module that batches it."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqlab.data.sources import Images


class ClassifiedImages(NamedTuple):
    """One split; the rows of `labels` are about `images`."""

    image_ids: tuple[str, ...]  # names, unique in the data set
    images: Images
    labels: NDArray[np.int8]  # [N, C], 1 what it shows, 0 what it does not, -1 what does not count


class LabelSource(ABC):
    """Reads a data set.

    Attributes:
        classes: their names, known once it was read.
        is_multi_label: whether an image may show several of them, or none.
    """

    classes: tuple[str, ...]
    is_multi_label: bool

    @abstractmethod
    def read(self) -> dict[str, ClassifiedImages]:
        """The splits train, val and test; one may be empty.

        Raises:
            DataError: files are missing or malformed; it lists all that was found.
        """


def one_each(labels: NDArray[np.int64], num_classes: int) -> NDArray[np.int8]:
    """Rows [N, C] with a 1 at the class of each of N images."""
    return np.eye(num_classes, dtype=np.int8)[labels]
