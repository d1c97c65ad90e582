"""What a collection of pictures without annotations is to the data module that cuts them."""

from abc import ABC, abstractmethod

from torch import Tensor

from seqlab.data.annotated_images import AnnotatedImages

NamedImages = AnnotatedImages[Tensor]  # the pictures of one split, bytes [3, height, width]


class ImageSource(ABC):
    """Reads a collection."""

    @abstractmethod
    def read(self) -> dict[str, NamedImages]:
        """The splits train, val and test; one may be empty.

        Raises:
            DataError: there are no pictures, or some cannot be read; it lists them.
        """

    def labels(self, image_id: str) -> Tensor | None:
        """Bytes [height, width], the class of each pixel; None where nobody has labelled them."""
        return None


class KeptImages(NamedImages):
    """Pictures decoded once, when they are first asked for, and held in memory.

    Args:
        images: what is read.
    """

    def __init__(self, images: NamedImages) -> None:
        super().__init__(images.image_ids)
        self._images = images
        self._kept: dict[int, Tensor] = {}

    def __getitem__(self, index: int) -> Tensor:
        if index not in self._kept:
            self._kept[index] = self._images[index]
        return self._kept[index]

    def size(self, index: int) -> tuple[int, int]:
        return self._images.size(index)
