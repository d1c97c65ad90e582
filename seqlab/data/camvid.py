"""CamVid (Brostow et al., 2009) in the cut of SegNet's authors."""

from pathlib import Path

from seqlab.data.batches import VOID
from seqlab.data.caption_files import read_lines
from seqlab.data.label_maps import LabelledImages, LabelScheme, SegmentationSource
from seqlab.data.labelled_files import PairFiles, labelled_splits
from seqlab.data.sources import SPLITS

_CLASSES = {
    "sky": "#808080",
    "building": "#800000",
    "pole": "#c0c080",
    "road": "#804080",
    "pavement": "#3c28de",
    "tree": "#808000",
    "sign": "#c08080",
    "fence": "#404080",
    "car": "#400080",
    "pedestrian": "#404000",
    "bicyclist": "#0080c0",
}


class CamVid(SegmentationSource):
    """Frames of a drive with 11 classes (Badrinarayanan et al., 2017); unlabelled pixels are void.

    Args:
        folder: holds train.txt, val.txt and, where it is there, test.txt, with a frame and its
            label map in each line, and the folders that they name.
    """

    scheme = LabelScheme(
        classes=tuple(_CLASSES),
        palette=tuple(_CLASSES.values()),
        values={number: number for number in range(len(_CLASSES))} | {len(_CLASSES): VOID},
    )

    def __init__(self, *, folder: str) -> None:
        self.folder = Path(folder)

    def read(self) -> dict[str, LabelledImages]:
        problems: list[str] = []
        listed = {split: self._read_list(split, problems) for split in SPLITS}
        return labelled_splits(listed, self.scheme, problems)

    def _read_list(self, split: str, problems: list[str]) -> list[PairFiles]:
        """The pairs of lines such as `/SegNet/CamVid/train/a.png /SegNet/CamVid/trainannot/a.png`.

        Of a path the last two parts count: the rest is where it lay for the lists' authors.
        """
        path = self.folder / f"{split}.txt"
        if split == "test" and not path.exists():
            return []
        pairs = []
        for where, line in read_lines(path, problems):
            names = [Path(name).parts[-2:] for name in line.split()]
            if len(names) != 2 or any(len(name) < 2 for name in names):
                problems.append(f"{where}: names no frame and label map in folders: {line[:60]!r}")
                continue
            image, labels = (self.folder.joinpath(*name) for name in names)
            pairs.append(PairFiles(image.stem, image, labels, where))
        return pairs
