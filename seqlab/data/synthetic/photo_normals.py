"""Generated photos with the normals of what is seen on them, split."""

from seqlab.data.normal_maps import Facing, NormalsImages, NormalsSource
from seqlab.data.synthetic.photos import take_photo

_SIDES = range(16, 1025)  # pixels


class PhotoNormals(NormalsSource):
    """Photos of landscapes; the sky faces nowhere.

    Args:
        num_train: photos to train on.
        num_val: photos to validate on.
        num_test: photos to test on.
        size: height and width in pixels.
        aberration: lateral chromatic aberration of the lens; 0 for none.
        seed: what the photos are a function of. It is not the run's, so that all seeds of an
            experiment see the same data.

    Raises:
        ValueError: a side is too short for anything to be seen, or too long.
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
        if not all(side in _SIDES for side in size):
            raise ValueError(
                f"sides are from {_SIDES[0]} to {_SIDES[-1]} pixels, {list(size)} was given"
            )
        self.sizes = {"train": num_train, "val": num_val, "test": num_test}
        self.size = (size[0], size[1])
        self.aberration = aberration
        self.seed = seed

    def read(self) -> dict[str, NormalsImages]:
        splits: dict[str, NormalsImages] = {}
        first = 0
        for split, count in self.sizes.items():
            numbers = range(first, first + count)
            splits[split] = Landscapes(self.seed, numbers, self.size, self.aberration)
            first += count
        return splits


class Landscapes(NormalsImages):
    """Photos that are made when they are first asked for, and kept.

    Args:
        seed: of the photos.
        numbers: of those that there are.
        size: height and width in pixels.
        aberration: of the lens.
    """

    def __init__(self, seed: int, numbers: range, size: tuple[int, int], aberration: float) -> None:
        super().__init__([f"photo-{seed}-{number:05d}" for number in numbers])
        self.seed, self.numbers, self.aberration = seed, numbers, aberration
        self._size = size
        self._kept: dict[int, Facing] = {}

    def __getitem__(self, index: int) -> Facing:
        if index not in self._kept:
            photo = take_photo(self.seed, self.numbers[index], self._size, self.aberration)
            self._kept[index] = Facing(photo.image, photo.normals)
        return self._kept[index]

    def size(self, index: int) -> tuple[int, int]:
        return self._size
