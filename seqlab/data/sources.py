"""What a data set of captioned images is to the data module that batches it."""

from abc import ABC, abstractmethod
from typing import NamedTuple

from torch import Tensor

SPLITS = ("train", "val", "test")


class CaptionedImage(NamedTuple):
    """An image by name, and all that is said of it."""

    image_id: str  # unique in the data set
    captions: tuple[str, ...]  # raw text
    objects: tuple[tuple[int, ...], ...] | None = None  # per caption and word, the object it names


class Images(ABC):
    """Pictures by number."""

    @abstractmethod
    def __len__(self) -> int:
        """How many there are."""

    @abstractmethod
    def __getitem__(self, index: int) -> Tensor:
        """Picture as bytes [3, height, width].

        Raises:
            DataError: it cannot be read; the text names it.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """A hash: equal where all the pictures are, as far as can be told without reading them."""

    def labels(self, index: int) -> Tensor | None:
        """Bytes [height, width], n + 1 where object n is seen, else 0; None where unknown."""
        return None


class CaptionSplit(NamedTuple):
    """One split; `examples[n]` is about `images[n]`."""

    examples: tuple[CaptionedImage, ...]
    images: Images


class CaptionSource(ABC):
    """Reads a data set."""

    # False where flipped or cropped pictures would make captions untrue.
    may_be_augmented: bool = True

    @abstractmethod
    def read(self) -> dict[str, CaptionSplit]:
        """The splits train, val and test; one may be empty.

        Raises:
            DataError: files are missing or malformed; it lists all that was found.
        """
