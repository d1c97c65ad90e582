"""Generated photos as a collection of pictures."""

from torch import Tensor

from seqlab.data.image_collections import ImageSource, NamedImages
from seqlab.data.sources import SPLITS
from seqlab.data.synthetic.photos import take_photo


class PhotoImages(ImageSource):
    """Landscapes with roads, houses, trees and cars, whose parts lie where such parts do.

    Args:
        num_train: photos to train on.
        num_val: photos to validate on.
        num_test: photos to test on.
        size: height and width in pixels.
        aberration: lateral chromatic aberration of the lens: by how much red and blue are magnified
            about the middle; 0 for a lens without.
        seed: what the photos are a function of. It is not the run's, so that all seeds of an
            experiment see the same data.
    """

    def __init__(
        self,
        *,
        num_train: int,
        num_val: int,
        num_test: int,
        size: tuple[int, int],
        aberration: float,
        seed: int,
    ) -> None:
        self.counts = (num_train, num_val, num_test)
        self.picture_size = (size[0], size[1])
        self.aberration = aberration
        self.seed = seed

    def read(self) -> dict[str, NamedImages]:
        splits: dict[str, NamedImages] = {}
        first = 0
        for split, count in zip(SPLITS, self.counts, strict=True):
            splits[split] = _Photos(self, range(first, first + count))
            first += count
        return splits

    def labels(self, image_id: str) -> Tensor:
        number = int(image_id.rpartition(" ")[2])
        return take_photo(self.seed, number, self.picture_size).labels


class _Photos(NamedImages):
    """Some of the photos, made when they are asked for."""

    def __init__(self, source: PhotoImages, numbers: range) -> None:
        super().__init__([f"photo {number}" for number in numbers])
        self._source, self._numbers = source, numbers

    def __getitem__(self, index: int) -> Tensor:
        source, number = self._source, self._numbers[index]
        return take_photo(source.seed, number, source.picture_size, source.aberration).image

    def size(self, index: int) -> tuple[int, int]:
        return self._source.picture_size
