"""Pascal VOC 2012 (Everingham et al., 2015) and the label maps that SBD adds to it."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqlab.data.batches import VOID
from seqlab.data.caption_files import Listed, read_split_list
from seqlab.data.errors import DataError
from seqlab.data.label_maps import LabelledImages, LabelScheme, SegmentationSource
from seqlab.data.labelled_files import PairFiles, labelled_splits, read_label_image
from seqlab.data.matlab_files import UNREADABLE, read_variable

_CLASSES = (
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)


def _colour(number: int) -> str:
    """Colour of a class in the official palette: three bits at a time, spread from the highest."""
    channels = [0, 0, 0]
    for place in range(8):
        for channel in range(3):
            channels[channel] |= (number >> (3 * place + channel) & 1) << (7 - place)
    return "#" + "".join(f"{value:02x}" for value in channels)


class Voc2012(SegmentationSource):
    """Photographs with 20 kinds of objects and the background; the edges of objects are void.

    Validation is the official one. What SBD (Hariharan et al., 2011) has labelled is added to the
    training split, except the photographs of validation: 10,582 in all. Where both have labelled a
    photograph, VOC's labels are taken. The labels of the official test are not public.

    Args:
        folder: holds JPEGImages/, SegmentationClass/ and ImageSets/Segmentation/{train,val}.txt.
        sbd: holds img/, cls/, train.txt and val.txt of SBD; None for VOC alone.
    """

    scheme = LabelScheme(
        classes=_CLASSES,
        palette=tuple(_colour(number) for number in range(len(_CLASSES))),
        values={number: number for number in range(len(_CLASSES))} | {VOID: VOID},
    )

    def __init__(self, *, folder: str, sbd: str | None) -> None:
        self.folder = Path(folder)
        self.sbd = None if sbd is None else Path(sbd)

    def read(self) -> dict[str, LabelledImages]:
        if self.sbd is not None and not self.sbd.is_dir():
            hint = "data.source.sbd=null trains on the labels of VOC alone"
            raise DataError([f"{self.sbd}: no such folder"], hint)
        problems: list[str] = []
        lists = self.folder / "ImageSets" / "Segmentation"
        listed = {
            split: [_own(self.folder, item) for item in read_split_list(lists / name, problems)]
            for split, name in {"train": "train.txt", "val": "val.txt"}.items()
        }
        if self.sbd is not None:
            taken = {pair.image_id for split in listed.values() for pair in split}
            for name in ("train.txt", "val.txt"):
                for item in read_split_list(self.sbd / name, problems):
                    if item.name not in taken:
                        listed["train"].append(_added(self.sbd, item))
        return labelled_splits({**listed, "test": []}, self.scheme, problems, read_numbers)


def _own(folder: Path, item: Listed) -> PairFiles:
    image = folder / "JPEGImages" / f"{item.name}.jpg"
    return PairFiles(
        item.name, image, folder / "SegmentationClass" / f"{item.name}.png", item.where
    )


def _added(folder: Path, item: Listed) -> PairFiles:
    image = folder / "img" / f"{item.name}.jpg"
    return PairFiles(item.name, image, folder / "cls" / f"{item.name}.mat", item.where)


def read_numbers(path: Path) -> NDArray[np.uint8]:
    """Numbers [height, width] of VOC's pictures and SBD's MATLAB files; no file can run code.

    Raises:
        DataError: the file cannot be read, or holds no label map.
    """
    if path.suffix != ".mat":
        return read_label_image(path)
    try:
        numbers = read_variable(path, "GTcls")["Segmentation"][0, 0]
    except UNREADABLE as error:
        raise DataError([f"{path}: no label map can be read of it ({error})"]) from error
    if not (isinstance(numbers, np.ndarray) and numbers.ndim == 2 and numbers.dtype == np.uint8):
        raise DataError([f"{path}: its GTcls.Segmentation is no matrix of bytes"])
    return numbers
