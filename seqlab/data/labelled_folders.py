"""A folder with a folder of pictures for each class, split by chance."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seqlab.data.class_folders import files_of_classes, refuse_shares, share_out
from seqlab.data.errors import DataError
from seqlab.data.images import ImageFiles
from seqlab.data.label_sources import ClassifiedImages, LabelSource, one_each

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


class LabelledFolders(LabelSource):
    """Pictures `CLASS/NAME.jpg`, of each class the same shares in train, val and test.

    Args:
        folder: of the class folders.
        shares: of train, val and test; they sum to 1.
        split_seed: what the split is a function of.

    Raises:
        ValueError: the shares do not sum to 1.
    """

    is_multi_label = False

    def __init__(self, *, folder: str, shares: Sequence[float], split_seed: int) -> None:
        refuse_shares(shares)
        self.folder = Path(folder).expanduser()
        self.shares = tuple(shares)
        self.split_seed = split_seed
        self.classes = ()

    def read(self) -> dict[str, ClassifiedImages]:
        found = files_of_classes(self.folder, ENDINGS, "pictures")
        self.classes = tuple(found)
        parts = share_out(found, self.shares, self.split_seed)
        splits = {split: self._images(part) for split, part in parts.items()}
        problems = [problem for _, files in splits.values() for problem in files.probe()]
        if problems:
            raise DataError(problems, "replace the files, or move them away")
        return {split: whole for split, (whole, _) in splits.items()}

    def _images(self, part: Sequence[tuple[Path, int]]) -> tuple[ClassifiedImages, ImageFiles]:
        """The images of a split, and their files."""
        paths = [path for path, _ in part]
        files = ImageFiles(paths, [str(path.parent) for path in paths])
        names = tuple(path.relative_to(self.folder).as_posix() for path in paths)
        labels = np.array([label for _, label in part], np.int64)
        return ClassifiedImages(names, files, one_each(labels, len(self.classes))), files
