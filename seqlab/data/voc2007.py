"""Pascal VOC 2007 (Everingham et al., 2010): which of 20 kinds of objects a photograph shows."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqlab.data.caption_files import Listed, duplicates, read_lines, read_split_list
from seqlab.data.errors import DataError
from seqlab.data.images import ImageFiles
from seqlab.data.label_sources import ClassifiedImages, LabelSource
from seqlab.data.sources import SPLITS
from seqlab.data.voc2012 import Voc2012

# What the lists of a class say of a photograph: it shows it, only hardly, or not.
_MEANINGS = {"1": 1, "0": -1, "-1": 0}


class Voc2007(LabelSource):
    """The official lists of the classification task; what is hard to see does not count.

    Args:
        folder: holds JPEGImages/ and, in ImageSets/Main/, SPLIT.txt and CLASS_SPLIT.txt of train,
            val and test.
    """

    is_multi_label = True

    def __init__(self, *, folder: str) -> None:
        self.folder = Path(folder).expanduser()
        self.classes = Voc2012.scheme.classes[1:]  # without the background

    def read(self) -> dict[str, ClassifiedImages]:
        problems: list[str] = []
        lists = self.folder / "ImageSets" / "Main"
        listed = {split: read_split_list(lists / f"{split}.txt", problems) for split in SPLITS}
        problems += duplicates(item for split in SPLITS for item in listed[split])
        splits = {}
        for split, items in listed.items():
            names = tuple(item.name for item in items)
            columns = [
                _read_class(lists / f"{name}_{split}.txt", items, problems) for name in self.classes
            ]
            paths = [self.folder / "JPEGImages" / f"{name}.jpg" for name in names]
            files = ImageFiles(paths, [item.where for item in items])
            problems += files.probe()
            splits[split] = ClassifiedImages(names, files, np.stack(columns, axis=1))
        if problems:
            raise DataError(problems)
        return splits


def _read_class(path: Path, items: list[Listed], problems: list[str]) -> NDArray[np.int8]:
    """What lines such as `000012 -1` say of the photographs of a split, [N].

    Args:
        path: the list of a class.
        items: the photographs.
        problems: what is wrong is added here.
    """
    said: dict[str, int] = {}
    known = {item.name for item in items}
    before = len(problems)
    for where, line in read_lines(path, problems):
        name, _, mark = line.strip().partition(" ")
        if mark.strip() not in _MEANINGS:
            problems.append(f"{where}: is no name and 1, 0 or -1: {line.strip()[:60]!r}")
        elif name not in known:
            problems.append(f"{where}: names {name}, which the split does not list")
        elif name in said:
            problems.append(f"{where}: names {name} a second time")
        else:
            said[name] = _MEANINGS[mark.strip()]
    if len(problems) == before:
        problems += [
            f"{path}: says nothing of {item.name}, listed at {item.where}"
            for item in items
            if item.name not in said
        ]
    return np.array([said.get(item.name, -1) for item in items], np.int8)
