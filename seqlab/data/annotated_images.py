"""Images with what is known of their pixels: what data modules of all such data sets share."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from torch import Tensor
from torch.utils.data import Dataset

from seqlab.data.errors import DataError
from seqlab.data.sources import SPLITS

SeenT = TypeVar("SeenT")  # an image, as its field `image`, and what is known of it


class AnnotatedImages(ABC, Generic[SeenT]):
    """The images of one split by number, with what is known of them.

    Args:
        image_ids: names, unique in the data set.
    """

    def __init__(self, image_ids: Sequence[str]) -> None:
        self.image_ids = tuple(image_ids)

    def __len__(self) -> int:
        return len(self.image_ids)

    @abstractmethod
    def __getitem__(self, index: int) -> SeenT:
        """An image and what is known of it.

        Raises:
            DataError: they cannot be read, or do not fit each other; the text names the files.
        """

    @abstractmethod
    def size(self, index: int) -> tuple[int, int]:
        """Height and width in pixels."""

    def probe(self) -> list[str]:
        """Problems that a glance at each file shows."""
        return []


ImagesT = TypeVar("ImagesT", bound=AnnotatedImages)
Prepare = Callable[[SeenT, int, int], SeenT]  # of what was read, an epoch, the number of an image


class Example(NamedTuple, Generic[SeenT]):
    """An image as the network gets it, and what is known of it."""

    image_id: str
    seen: SeenT


class PreparedImages(Dataset[Example[SeenT]]):
    """The images of a split, asked for by epoch and number.

    Args:
        images: of the split.
        prepare: makes of bytes what the network gets.
    """

    def __init__(self, images: AnnotatedImages[SeenT], prepare: Prepare[SeenT]) -> None:
        self.images = images
        self.prepare = prepare

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, key: tuple[int, int]) -> Example[SeenT]:
        epoch, number = key
        seen = self.prepare(self.images[number], epoch, number)
        return Example(self.images.image_ids[number], seen)


def looked_at(splits: dict[str, ImagesT], *, of_one_size: bool) -> dict[str, ImagesT]:
    """The same splits, if a glance at each file shows nothing wrong.

    Args:
        splits: as they were read.
        of_one_size: whether training pictures have to be.

    Raises:
        DataError: files are malformed, no image is left to train on, or training pictures differ
            in size where they must not.
    """
    problems = [problem for name in SPLITS for problem in splits[name].probe()]
    if problems:
        raise DataError(problems)
    train = splits["train"]
    if not len(train):
        raise DataError(["no image of the training split is here"], "is the data set complete?")
    first: dict[tuple[int, int], str] = {}
    for index, image_id in enumerate(train.image_ids if of_one_size else ()):
        first.setdefault(train.size(index), image_id)
    if len(first) > 1:
        sizes = [f"{name}: {height} x {width} pixels" for (height, width), name in first.items()]
        hint = "training pictures differ in size: set data.crop_size=[HEIGHT,WIDTH]"
        raise DataError(sizes, hint)
    return splits


def picture_of(splits: Mapping[str, AnnotatedImages], image_id: str) -> Tensor:
    """Bytes [3, height, width] of an image of any split.

    Raises:
        KeyError: no image is of that name.
    """
    for split in splits.values():
        if image_id in split.image_ids:
            return split[split.image_ids.index(image_id)].image
    raise KeyError(f"no image is named {image_id}")


def split_hash(splits: Mapping[str, AnnotatedImages]) -> str:
    """Hash of the lists of images of each split."""
    digest = hashlib.sha256()
    for name in SPLITS:
        for image_id in splits[name].image_ids:
            digest.update(f"{name}\t{image_id}\n".encode())
    return digest.hexdigest()
