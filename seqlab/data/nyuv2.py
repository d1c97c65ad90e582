"""NYU Depth v2 (Silberman et al., 2012) in its official layout, and the normals of its depth."""

import math
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqlab.data.depth_normals import Camera, normals_of_depth
from seqlab.data.errors import DataError
from seqlab.data.matlab_files import UNREADABLE, read_variable
from seqlab.data.normal_maps import Facing, NormalsImages, NormalsSource

LABELED, SPLITS_FILE = "nyu_depth_v2_labeled.mat", "splits.mat"
# Of the toolbox's camera_params.m, for colours; MATLAB counts the first pixel as 1.
CAMERA = Camera(
    fx=518.85790117450188,
    fy=519.46961112127485,
    cx=325.58244941119034 - 1,
    cy=253.73616633400465 - 1,
)
MOST_DEPTH = 10.0  # metres, which stands for all that is farther
# Where depth and colour both are once they lie on each other; get_projection_mask.m.
_ROWS, _COLUMNS = slice(44, 471), slice(40, 601)
_VARIABLES = {"images": 4, "depths": 3, "rawDepths": 3}  # axes of what is read of the file
_TOO_MUCH = 0.05  # by which a ready-made normal may be longer or shorter than 1


class NyuV2(NormalsSource):
    """Rooms with what a Kinect measured: 795 images to train and validate, 654 to test.

    Normals are those of the depth (`normals_of_depth`) where the Kinect has measured one, below
    10 m and where the two cameras overlap; depth that was painted in afterwards tells nothing.
    Where a folder of normals is given they are taken instead.

    Validation takes every n-th scene of the official training images, since images of one scene are
    alike.

    Args:
        folder: holds nyu_depth_v2_labeled.mat and splits.mat.
        normals: folder of ready-made normals, 0001.npz and so on by the number of the image, each
            with an array `normals` [height, width, 3], right, down and away from the camera, 0
            where not known; None for those of the depth.
        radius: pixels from the middle to the border of the windows in which planes are fitted.
        validate_every: n, 2 or more; None for no validation.

    Raises:
        ValueError: the radius or n is too small.
    """

    def __init__(
        self, *, folder: str, normals: str | None, radius: int, validate_every: int | None
    ) -> None:
        if radius < 1:
            raise ValueError(f"radius is 1 or more, {radius} was given")
        if validate_every is not None and validate_every < 2:
            raise ValueError(f"validate_every is 2 or more or null, {validate_every} was given")
        self.folder = Path(folder)
        self.normals = None if normals is None else Path(normals)
        self.radius, self.validate_every = radius, validate_every

    def read(self) -> dict[str, NormalsImages]:
        path = self.folder / LABELED
        size, count, scenes = self._look_into(path)
        trained, tested = (
            _numbers(self.folder / SPLITS_FILE, name, count) for name in ("trainNdxs", "testNdxs")
        )
        both = sorted(set(trained) & set(tested))
        if both:
            raise DataError([f"{self.folder / SPLITS_FILE}: trains and tests on image {both[0]}"])
        validated = self._validated(trained, scenes)
        splits = {
            "train": [number for number in trained if number not in validated],
            "val": [number for number in trained if number in validated],
            "test": tested,
        }
        return {
            split: Rooms(path, numbers, size, normals=self.normals, radius=self.radius)
            for split, numbers in splits.items()
        }

    def _look_into(self, path: Path) -> tuple[tuple[int, int], int, list[str]]:
        """Height and width of the images, how many there are, and the scene of each."""
        with _opened(path) as file:
            problems = [
                f"{path}: has no variable {name} of {axes} axes"
                for name, axes in _VARIABLES.items()
                if len(getattr(file.get(name), "shape", ())) != axes
            ]
            if problems:
                raise DataError(problems, "is the file whole?")
            count, channels, width, height = file["images"].shape  # MATLAB's axes from the last
            for name in ("depths", "rawDepths"):
                if file[name].shape != (count, width, height):
                    shape = " x ".join(map(str, reversed(file[name].shape)))
                    problems.append(f"{path}: {name} is {shape}, no depth of each pixel of images")
            if channels != 3 or file["images"].dtype != np.uint8:
                problems.append(f"{path}: images has no three bytes for each pixel")
            if problems:
                raise DataError(problems)
            return (height, width), count, _scenes(file, path, count)

    def _validated(self, trained: Sequence[int], scenes: Sequence[str]) -> set[int]:
        """Numbers of the official training images that validate."""
        if self.validate_every is None:
            return set()
        names = sorted({scenes[number - 1] for number in trained})
        chosen = set(names[:: self.validate_every])
        return {number for number in trained if scenes[number - 1] in chosen}


class Rooms(NormalsImages):
    """Images of the file by their numbers, read when asked for.

    The file is opened for each: processes that were forked must not share it.

    Args:
        path: of the file.
        numbers: counted from 1.
        size: height and width in pixels.
        normals: folder of ready-made ones; None for those of the depth.
        radius: of the windows in which planes are fitted.
    """

    def __init__(
        self,
        path: Path,
        numbers: Sequence[int],
        size: tuple[int, int],
        *,
        normals: Path | None,
        radius: int,
    ) -> None:
        super().__init__([f"{number:04d}" for number in numbers])
        self.path, self.numbers = path, tuple(numbers)
        self.normals, self.radius = normals, radius
        self._size = size

    def __getitem__(self, index: int) -> Facing:
        number = self.numbers[index]
        with _opened(self.path) as file:
            try:
                image = file["images"][number - 1]  # [3, width, height]
                if self.normals is None:
                    depth, raw = (file[name][number - 1].T for name in ("depths", "rawDepths"))
            except (OSError, RuntimeError) as error:
                raise DataError(
                    [f"{self.path}: image {number} cannot be read ({error})"]
                ) from error
        if self.normals is None:
            normals = self._of_depth(depth, raw)
        else:
            normals = _ready_made(self._ready(index), self._size)
        picture = np.ascontiguousarray(image.transpose(0, 2, 1))  # [3, height, width]
        return Facing(torch.from_numpy(picture), torch.from_numpy(normals))

    def _of_depth(self, depth: NDArray[Any], raw: NDArray[Any]) -> NDArray[np.float32]:
        """Normals [3, height, width] where the Kinect has measured."""
        overlap = np.zeros(depth.shape, np.bool_)
        overlap[_ROWS, _COLUMNS] = True
        known = overlap & (raw > 0) & (raw < MOST_DEPTH) & (depth > 0) & np.isfinite(depth)
        return normals_of_depth(depth, known, CAMERA, radius=self.radius)

    def _ready(self, index: int) -> Path:
        assert self.normals is not None
        return self.normals / f"{self.image_ids[index]}.npz"

    def size(self, index: int) -> tuple[int, int]:
        return self._size

    def probe(self) -> list[str]:
        if self.normals is None:
            return []
        paths = map(self._ready, range(len(self)))
        return [f"{path}: no such file of normals" for path in paths if not path.is_file()]


def _h5py() -> ModuleType:
    """The library that reads HDF5, which MATLAB's files from version 7.3 on are.

    Raises:
        DataError: it is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise DataError(["NYU Depth v2 needs h5py"], "pip install 'seqlab[normals]'") from error
    return h5py


def _opened(path: Path) -> Any:
    """An HDF5 file to read, to be closed by `with`.

    Raises:
        DataError: it is not there, or no whole file.
    """
    library = _h5py()
    if not path.is_file():
        raise DataError([f"{path}: no such file"], "seqlab data list says where it is to be had")
    try:
        return library.File(path, "r")
    except OSError as error:
        raise DataError([f"{path}: cannot be read as HDF5 ({error})"]) from error


def _scenes(file: Any, path: Path, count: int) -> list[str]:
    """Name of the scene of each image: references to arrays of UTF-16 letters."""
    try:
        found = np.array(file["scenes"]).reshape(-1)
        names = ["".join(map(chr, np.array(file[each]).reshape(-1))) for each in found]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise DataError([f"{path}: has no names of scenes ({error})"]) from error
    if len(names) != count:
        raise DataError([f"{path}: names {len(names)} scenes for {count} images"])
    return names


def _numbers(path: Path, name: str, count: int) -> list[int]:
    """Numbers of images in the order of a variable of the file of splits.

    Raises:
        DataError: the file cannot be read, or names no images that there are, or one twice.
    """
    if not path.is_file():
        raise DataError([f"{path}: no such file"], "seqlab data list says where it is to be had")
    try:
        numbers = np.asarray(read_variable(path, name)).reshape(-1).astype(np.int64).tolist()
    except UNREADABLE as error:
        raise DataError([f"{path}: no {name} can be read of it ({error})"]) from error
    outside = [number for number in numbers if not 1 <= number <= count]
    if outside:
        raise DataError([f"{path}: {name} has image {outside[0]}; there are 1 to {count}"])
    if len(set(numbers)) < len(numbers):
        raise DataError([f"{path}: {name} has an image twice"])
    return numbers


def _ready_made(path: Path, size: tuple[int, int]) -> NDArray[np.float32]:
    """Normals [3, height, width] of a file, brought to length 1.

    Raises:
        DataError: it cannot be read, or is no map of normals of that size.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            normals = np.asarray(arrays["normals"], np.float32)
    except (OSError, ValueError, LookupError, EOFError, TypeError, AttributeError) as error:
        raise DataError([f"{path}: no array `normals` can be read of it ({error})"]) from error
    if normals.shape != (*size, 3):
        wanted = f"{size[0]} x {size[1]} x 3"
        raise DataError([f"{path}: normals is {' x '.join(map(str, normals.shape))}, not {wanted}"])
    length = np.linalg.norm(normals, axis=2)  # [height, width]
    wrong = (length != 0) & ~(np.abs(length - 1) < _TOO_MUCH)  # also of NaN
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        length_there = float(length[row, column])
        said = (
            "no number" if math.isnan(length_there) else f"of length {length_there:.2f}, not 1 or 0"
        )
        raise DataError([f"{path}: the normal in row {row}, column {column} is {said}"])
    divided = normals / np.where(length == 0, 1, length)[:, :, None]
    return np.ascontiguousarray(divided.transpose(2, 0, 1))
