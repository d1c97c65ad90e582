"""What a data set of images with surface normals is to the data module that batches it."""

from abc import ABC, abstractmethod
from typing import NamedTuple

from torch import Tensor

from seqlab.data.annotated_images import AnnotatedImages


class Facing(NamedTuple):
    """An image, and the direction in which the surface at each pixel faces."""

    image: Tensor  # bytes [3, height, width], or numbers in [0, 1]
    normals: Tensor  # [3, height, width], right, down and away from the camera; of length 1,
    # 0 where it is not known


class NormalsImages(AnnotatedImages[Facing]):
    """The images of one split by number, with their normals, which are as large."""


class NormalsSource(ABC):
    """Reads a data set."""

    @abstractmethod
    def read(self) -> dict[str, NormalsImages]:
        """The splits train, val and test; one may be empty.

        Raises:
            DataError: files are missing or malformed; it lists all that was found.
        """
